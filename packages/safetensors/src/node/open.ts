/** Opens a checkpoint by path: one file, an index of shards, or a folder that holds either under its standard name. */

import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { SafetensorsError } from "../errors.ts";
import { openAll, openCheckpoint, openShards, readText, type Folder } from "../folder.ts";
import type { SafetensorsReader } from "../reader.ts";
import { openFileSource } from "./file-source.ts";

/**
 * Opens a .safetensors file, a `*.safetensors.index.json`, or a folder with `model.safetensors` or `model.safetensors.index.json`.
 * Only headers are read. Close the reader when done. Rejects with SafetensorsError on a missing, corrupt or truncated file.
 */
export async function openSafetensors(pathOrDir: string): Promise<SafetensorsReader> {
  const found = await stat(pathOrDir).catch(() => undefined);
  if (found?.isDirectory()) return openCheckpoint(diskFolder(pathOrDir));
  if (!pathOrDir.endsWith(".index.json")) return openAll([await openFileSource(pathOrDir)]);
  const folder = diskFolder(dirname(pathOrDir));
  const index = await readText(folder, basename(pathOrDir));
  if (index === undefined) throw new SafetensorsError(pathOrDir, "expected an index file, got none; check the path");
  return openShards(folder, basename(pathOrDir), index);
}

/** A folder on disk. A file that is there but cannot be read is an error, not a missing one. */
export function diskFolder(folder: string): Folder {
  return {
    name: folder,
    async open(path) {
      const file = join(folder, path);
      const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
        throw error;
      });
      return found?.isFile() ? openFileSource(file) : undefined;
    },
  };
}
