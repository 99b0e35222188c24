/** Opens a checkpoint by path: one file, an index of shards, or a folder that holds either under its standard name. */

import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { SafetensorsError } from "../errors.ts";
import { openAll, openCheckpoint, openShards } from "../checkpoint.ts";
import type { Folder } from "../folder.ts";
import type { SafetensorsReader } from "../reader.ts";
import { readText, textLimits } from "../text.ts";
import { openFileSource, unreadable } from "./file-source.ts";

/**
 * Opens a .safetensors file, a `*.safetensors.index.json`, or a folder with `model.safetensors` or `model.safetensors.index.json`.
 * Only headers are read. Close the reader when done.
 * @throws SafetensorsError on a missing, corrupt or truncated file.
 */
export async function openSafetensors(pathOrDir: string): Promise<SafetensorsReader> {
  const found = await stat(pathOrDir).catch(() => undefined);
  if (found?.isDirectory()) return openCheckpoint(diskFolder(pathOrDir));
  if (!pathOrDir.endsWith(".index.json")) return openAll([await openFileSource(pathOrDir)]);
  const folder = diskFolder(dirname(pathOrDir));
  const index = await readText(folder, basename(pathOrDir), textLimits.index);
  if (index === undefined) throw new SafetensorsError(pathOrDir, "expected an index file, got none; check the path");
  return openShards(folder, basename(pathOrDir), index);
}

/** A folder on disk. Opening a file that is there but cannot be read throws SafetensorsError. */
export function diskFolder(folder: string): Folder {
  return {
    name: folder,
    async open(path) {
      const file = join(folder, path);
      const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return undefined;
        throw unreadable(file, cause);
      });
      return found?.isFile() ? openFileSource(file) : undefined;
    },
  };
}
