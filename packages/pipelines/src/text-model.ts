/** A model with its tokenizer: what the functions beside this file work on. Opened from any folder, on a disk or in a page. */
import { loadModelFolder } from "@modernbert-ts/encoder";
import type { Encoder, LoadOptions, Pooling } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import type { Runtime } from "@modernbert-ts/tensor-core";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { architectures } from "./architectures.ts";
import { readPooling } from "./pooling.ts";
import { readTokenizer } from "./read-tokenizer.ts";

export interface TextModel {
  readonly runtime: Runtime;
  readonly model: Encoder;
  readonly tokenizer: Tokenizer;
  /** How this model's embeddings are pooled; undefined when it asks for a way that is not implemented. */
  readonly pooling: Pooling | undefined;
}

/** Loads a model, its tokenizer and its pooling. Free it with `model.dispose()`; the runtime stays the caller's. */
export async function openTextModel(folder: Folder, options: LoadOptions): Promise<TextModel> {
  const { model } = await loadModelFolder(folder, architectures, options);
  try {
    return await addTokenizer(folder, { runtime: options.runtime, model });
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** What a folder says about text, added to its model. */
export async function addTokenizer(
  folder: Folder,
  { runtime, model }: Pick<TextModel, "runtime" | "model">,
  onNotice?: (notice: string) => void,
): Promise<TextModel> {
  const tokenizer = await readTokenizer(folder, model.info.vocabSize, onNotice);
  return { runtime, model, tokenizer, pooling: await readPooling(folder, model.info) };
}
