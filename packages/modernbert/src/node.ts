/** Hugging Face model folders on disk, in and out. */
export { loadModel, readConfig } from "./node/disk.ts";
export type { FolderConfig } from "./folder/read-config.ts";
export type { LoadedModel, LoadOptions } from "./folder/load-model.ts";
export { saveModel } from "./node/save-model.ts";
export type { FolderFile, SaveOptions } from "./node/save-model.ts";
