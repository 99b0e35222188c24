/** A model and its tokenizer on a backend, opened together from a folder on disk or a hub id. */
import { openFolder } from "./hub/snapshot.ts";
import { openModel } from "./model.ts";
import type { ModelOptions, OpenModel } from "./model.ts";
import { addTexts } from "./text-model.ts";
import type { TextModel } from "./text-model.ts";

export type PipelineOptions = ModelOptions;

export interface Pipeline extends OpenModel, TextModel {}

/** Opens a folder or hub id. Dispose it when done: the backend owns threads and memory outside JavaScript. */
export async function openPipeline(source: string, options: PipelineOptions = {}): Promise<Pipeline> {
  const open = await openModel(source, options);
  try {
    return { ...open, ...(await addTexts(await openFolder(open.folder), open, options.onNotice)) };
  } catch (error) {
    await open[Symbol.asyncDispose]();
    throw error;
  }
}
