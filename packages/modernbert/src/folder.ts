/** ModernBERT folders through the shared loaders. */
import { loadModelFolder as loadFolder, readFolderConfig as readConfig } from "@modernbert-ts/encoder";
import type { FolderConfig, LoadedModel, LoadOptions } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import type { ModernBertConfig } from "./config/config.ts";
import { modernbertArchitecture } from "./model.ts";
import type { ModernBert } from "./model.ts";

/** A folder, wherever its files are, to a model on a device. @throws ConfigError, CheckpointError, SafetensorsError as the encoder package's `loadModelFolder`. */
export function loadModelFolder(
  files: Folder,
  options: LoadOptions<ModernBertConfig>,
): Promise<LoadedModel<ModernBertConfig, ModernBert>> {
  return loadFolder(files, [modernbertArchitecture], options);
}

/** config.json and the head that it names, without weights. */
export function readFolderConfig(files: Folder): Promise<FolderConfig<ModernBertConfig, ModernBert>> {
  return readConfig(files, [modernbertArchitecture]);
}
