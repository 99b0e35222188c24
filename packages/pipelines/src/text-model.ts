/** A model with its tokenizer: what the functions beside this file work on. Opened from any folder, on a disk or in a page. */
import { loadModelFolder } from "@modernbert-ts/encoder";
import type { Encoder, EncoderInfo, LoadOptions } from "@modernbert-ts/encoder";
import type { Folder } from "@modernbert-ts/safetensors";
import type { Runtime } from "@modernbert-ts/tensor-core";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { architectures } from "./architectures.ts";
import { readSettings } from "./folder/settings.ts";
import type { TextSettings } from "./folder/settings.ts";
import { readTokenizer } from "./folder/tokenizer.ts";
import { unfusedNotices } from "./notices.ts";

export interface TextModel {
  readonly runtime: Runtime;
  readonly model: Encoder;
  readonly tokenizer: Tokenizer;
  /** What the folder says of its texts and vectors. */
  readonly settings: TextSettings;
  /** Called after each run of a task. */
  readonly afterRun?: () => void;
}

export type Notify = (notice: string) => void;

/** Loads a model, its tokenizer and its settings. Free it with `model.dispose()`; the runtime stays the caller's. */
export async function openTextModel(folder: Folder, options: LoadOptions, onNotice?: Notify): Promise<TextModel> {
  const { model } = await loadModelFolder(folder, architectures, options);
  try {
    return await addTexts(folder, { runtime: options.runtime, model }, onNotice);
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** What a folder says about text, added to its model. */
export async function addTexts(
  folder: Folder,
  { runtime, model }: Pick<TextModel, "runtime" | "model">,
  onNotice?: Notify,
): Promise<TextModel> {
  const text = await readTextSide(folder, model.info, onNotice);
  return { runtime, model, ...text, ...(onNotice && { afterRun: unfusedNotices(runtime, onNotice) }) };
}

/** Tokenizer and settings of a folder: all that texts need where no weights are. @throws CheckpointError, ModelNotFoundError, TokenizerError */
export async function readTextSide(
  folder: Folder,
  info: EncoderInfo,
  onNotice?: Notify,
): Promise<Pick<TextModel, "tokenizer" | "settings">> {
  const settings = await readSettings(folder, info);
  return { settings, tokenizer: await readTokenizer(folder, settings, onNotice) };
}
