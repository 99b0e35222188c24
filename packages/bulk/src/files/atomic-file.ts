/** Files that are there as a whole or not at all, whoever is killed meanwhile. */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";

/** Writes beside the path, syncs, and renames into place. What `write` throws leaves nothing. */
export async function writeAtomically(
  path: string,
  write: (file: FileHandle, partial: string) => Promise<void>,
): Promise<void> {
  const partial = `${path}.partial-${randomBytes(4).toString("hex")}`;
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
