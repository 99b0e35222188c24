/** A model folder by its path on disk. */
import { diskFolder } from "@modernbert-ts/safetensors/node";
import { loadModelFolder } from "../folder/load-model.ts";
import type { LoadedModel, LoadOptions } from "../folder/load-model.ts";
import { readFolderConfig } from "../folder/read-config.ts";
import type { FolderConfig } from "../folder/read-config.ts";

/** As `loadModelFolder`, of a folder on disk. */
export function loadModel(folder: string, options: LoadOptions): Promise<LoadedModel> {
  return loadModelFolder(diskFolder(folder), options);
}

/** config.json and the head that it names, without weights. */
export function readConfig(folder: string): Promise<FolderConfig> {
  return readFolderConfig(diskFolder(folder));
}
