/** Which files a list of paths means: files, folders, globs. Each once, in the order of the paths. */
import fs from "node:fs";
import { basename, join } from "node:path";
import { globSync, isDynamicPattern } from "tinyglobby";
import { DataError, ioError } from "../../errors.ts";
import { fileFormats } from "./formats/all.ts";
import type { FileFormat } from "./formats/format.ts";
import { withoutCompression } from "./open-bytes.ts";

export interface DataFile {
  readonly path: string;
  readonly format: FileFormat;
}

export interface DataFiles {
  readonly files: readonly DataFile[];
  /** Of folders: with an ending that no format has, or that cannot be read (broken links, pipes). */
  readonly skipped: readonly string[];
  /** Given more than once, also by another name. */
  readonly repeated: readonly string[];
}

/** @param format How to read every file; by its ending when absent. @throws DataError `missing`, `invalid` (unknown ending, no files), `io`. */
export function findDataFiles(paths: readonly string[], format: FileFormat | undefined): DataFiles {
  const found: DataFile[] = [];
  const skipped: string[] = [];
  const repeated: string[] = [];
  const seen = new Set<string>();

  /** @param named by a person, not found in a folder. */
  const collect = (path: string, named: boolean): void => {
    const stat = statOf(path, named);
    if (stat?.isDirectory()) return once(path, () => collectFolder(path));
    if (!stat?.isFile()) {
      if (named) throw new DataError("invalid", "TextSource", `expected a file or folder, got something else: ${path}`);
      skipped.push(path);
      return;
    }
    const own = format ?? formatOf(path);
    if (own) once(path, () => void found.push({ path, format: own }));
    else if (named)
      throw new DataError(
        "invalid",
        "TextSource",
        `expected a file that ends in ${endings()} (also .gz, .zst), got ${path}; set the format to read it`,
      );
    else skipped.push(path);
  };
  const once = (path: string, take: () => void): void => {
    const real = fs.realpathSync(path);
    if (seen.has(real)) return void repeated.push(path);
    seen.add(real);
    take();
  };
  const collectFolder = (path: string): void => {
    const names = namesIn(path);
    // Shards lie beside their index, which names them.
    if (names.includes("index.json") && names.some((name) => name.includes(".mds")))
      collect(join(path, "index.json"), false);
    else for (const name of names) collect(join(path, name), false);
  };

  for (const path of paths.flatMap(expand)) collect(path, true);
  if (found.length === 0)
    throw new DataError(
      "invalid",
      "TextSource",
      `expected files that end in ${endings()}, got none in ${paths.join(", ")}`,
    );
  return { files: found, skipped, repeated };
}

/** @throws DataError `missing` for a pattern that nothing fits. */
function expand(path: string): string[] {
  if (fs.existsSync(path) || !isDynamicPattern(path)) return [path];
  const matches = globSync(path, { absolute: false, onlyFiles: true, expandDirectories: false }).sort();
  if (matches.length > 0) return matches;
  throw new DataError("missing", "TextSource", `expected files that fit ${path}, got none; check the pattern`);
}

/** undefined for a link in a folder that leads nowhere, or round in a circle. */
function statOf(path: string, named: boolean): fs.Stats | undefined {
  try {
    return fs.statSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!named && (code === "ENOENT" || code === "ELOOP")) return undefined;
    throw ioError("TextSource", path, error);
  }
}

function namesIn(path: string): string[] {
  try {
    return fs.readdirSync(path).sort();
  } catch (error) {
    throw ioError("TextSource", path, error);
  }
}

function formatOf(path: string): FileFormat | undefined {
  const name = basename(withoutCompression(path)).toLowerCase();
  return fileFormats.find(({ endings: own }) => own.some((ending) => name.endsWith(ending)));
}

function endings(): string {
  return fileFormats.flatMap((format) => format.endings).join(", ");
}
