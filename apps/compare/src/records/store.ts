/**
 * The records of a comparison: OUT/records/MACHINE/LEVEL/SECTION/KEY.json, each written whole or not at all. Machines and levels lie apart, so
 * that no ratio is made of two.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeTextFile } from "@modernbert-ts/trainer";
import { ioError } from "@modernbert-ts/training";
import { CompareError } from "../errors.ts";
import type { Level } from "../level.ts";
import type { Measurement } from "./record.ts";

export class RecordStore {
  readonly #folder: string;

  /** @param folder OUT/records */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Ids of the machines with records of the level, in the order of their names. */
  machines(level: Level): string[] {
    return names(this.#folder).filter((machine) => names(join(this.#folder, machine, level)).length > 0);
  }

  /** In the order of their keys. @throws CompareError on a file that is no record. */
  read(machine: string, level: Level, section: string): Measurement[] {
    const folder = join(this.#folder, machine, level, section);
    const files = names(folder).filter((name) => name.endsWith(".json"));
    return files.map((name) => readRecord(join(folder, name)));
  }

  find(machine: string, level: Level, section: string, key: string): Measurement | undefined {
    const path = this.#path(machine, level, section, key);
    return existsSync(path) ? readRecord(path) : undefined;
  }

  /** @throws DataError of the file system, which names the path. */
  write(machine: string, level: Level, record: Measurement): void {
    const path = this.#path(machine, level, record.section, record.key);
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (error) {
      throw ioError("compare", dirname(path), error);
    }
    writeTextFile(path, `${JSON.stringify(record, undefined, 2)}\n`);
  }

  #path(machine: string, level: Level, section: string, key: string): string {
    if (!/^[a-z0-9][a-z0-9._-]*$/.test(key))
      throw new CompareError(
        `[compare] expected a key of lower-case letters, digits, ".", "_" and "-", got ${JSON.stringify(key)}`,
      );
    return join(this.#folder, machine, level, section, `${key}.json`);
  }
}

function names(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

function readRecord(path: string): Measurement {
  try {
    const record = JSON.parse(readFileSync(path, "utf8")) as Partial<Measurement>;
    if (record.key !== undefined && record.settings && record.values && record.machine) return record as Measurement;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw ioError("compare", path, error);
  }
  throw new CompareError(
    `[compare] expected a record in ${path}, got another file: delete it, and it is measured again`,
  );
}
