/** Files that are there as a whole or not at all, whoever is killed meanwhile. */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Writes in a folder of the same disk, by default the file's own, syncs, and renames into place. What `write` throws leaves nothing. */
export async function writeAtomically(
  path: string,
  write: (file: FileHandle, partial: string) => Promise<void>,
  folder: string = dirname(path),
): Promise<void> {
  const partial = join(folder, `${basename(path)}.partial-${randomBytes(4).toString("hex")}`);
  try {
    const file = await open(partial, "wx");
    try {
      await write(file, partial);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
