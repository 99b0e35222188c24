/**
 * A folder that appears complete or not at all. It is filled under another name beside its final place, every file is synced,
 * and one rename puts it there. What a killed process left behind is removed by the next one on the same machine.
 */
import fs from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { DataError, ioError } from "../errors.ts";

let counter = 0;

export class AtomicDirectory {
  /** The final place. */
  readonly target: string;
  /** Where to write until {@link commit}. */
  readonly path: string;

  /** @throws DataError `invalid` when the target already holds something, `io` when the folder cannot be made. */
  constructor(target: string) {
    this.target = resolve(target);
    const prefix = `${basename(this.target)}.partial-${hostname()}-`;
    this.path = join(dirname(this.target), `${prefix}${process.pid}-${counter++}`);
    try {
      if (fs.existsSync(this.target) && fs.readdirSync(this.target).length > 0)
        throw new DataError(
          "invalid",
          "AtomicDirectory",
          `expected a new or empty folder, got ${target}, which holds files; choose another or delete it`,
        );
      fs.mkdirSync(dirname(this.target), { recursive: true });
      removeLeftovers(dirname(this.target), prefix);
      fs.mkdirSync(this.path);
    } catch (error) {
      throw ioError("AtomicDirectory", target, error);
    }
  }

  /** Syncs the folder and moves it to its final place. Files in it must be synced already. */
  commit(): void {
    try {
      syncDirectory(this.path);
      fs.renameSync(this.path, this.target);
      syncDirectory(dirname(this.target));
    } catch (error) {
      this.discard();
      throw ioError("AtomicDirectory", this.target, error);
    }
  }

  /** Deletes what was written. */
  discard(): void {
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}

function syncDirectory(path: string): void {
  if (process.platform === "win32") return; // Windows cannot sync a folder; its renames are journalled
  const descriptor = fs.openSync(path, "r");
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

function removeLeftovers(parent: string, prefix: string): void {
  for (const name of fs.readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const owner = Number.parseInt(name.slice(prefix.length), 10);
    if (owner > 0 && !isAlive(owner)) fs.rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
