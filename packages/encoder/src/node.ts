/** Hugging Face model folders on disk, in and out. */
export { saveModel } from "./node/save-model.ts";
export type { FolderFile, SaveOptions } from "./node/save-model.ts";
