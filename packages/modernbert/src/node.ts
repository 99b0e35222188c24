/** ModernBERT folders on disk, in and out. */
import type { FolderConfig, LoadedModel, LoadOptions } from "@modernbert-ts/encoder";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import type { ModernBertConfig } from "./config/config.ts";
import { loadModelFolder, readFolderConfig } from "./folder.ts";
import type { ModernBert } from "./model.ts";

export { saveModel } from "@modernbert-ts/encoder/node";
export type { FolderFile, SaveOptions } from "@modernbert-ts/encoder/node";

/** As `loadModelFolder`, of a folder on disk. */
export function loadModel(
  folder: string,
  options: LoadOptions<ModernBertConfig>,
): Promise<LoadedModel<ModernBertConfig, ModernBert>> {
  return loadModelFolder(diskFolder(folder), options);
}

/** config.json and the head that it names, without weights. */
export function readConfig(folder: string): Promise<FolderConfig<ModernBertConfig, ModernBert>> {
  return readFolderConfig(diskFolder(folder));
}
