/** Text files that appear whole or not at all: written aside and renamed, so that a full disk leaves an earlier file as it was. */
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { ioError } from "@modernbert-ts/training";

/** @throws DataError `io`, `missing`: names the path and says what to do. */
export function writeTextFile(path: string, text: string): void {
  const aside = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(aside, text, { flush: true });
    renameSync(aside, path);
  } catch (error) {
    if (existsSync(aside)) rmSync(aside);
    throw ioError("writeTextFile", path, error);
  }
}
