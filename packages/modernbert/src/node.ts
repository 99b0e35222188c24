/** Hugging Face model folders on disk, in and out. */
export { readConfig } from "./node/read-config.ts";
export type { FolderConfig } from "./node/read-config.ts";
export { loadModel } from "./node/load-model.ts";
export type { LoadedModel, LoadOptions } from "./node/load-model.ts";
export { saveModel } from "./node/save-model.ts";
export type { FolderFile, SaveOptions } from "./node/save-model.ts";
