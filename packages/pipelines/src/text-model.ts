/** A model with its tokenizer: what the functions beside this file work on. Opened from any folder, on a disk or in a page. */
import { loadModelFolder } from "@modernbert-ts/encoder";
import type { Encoder, EncoderInfo, LoadOptions } from "@modernbert-ts/encoder";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Runtime } from "@modernbert-ts/tensor-core";
import type { EncodeOptions, Encoding, Tokenizer } from "@modernbert-ts/tokenizer";
import { architectures } from "./architectures.ts";
import { asClassifier } from "./folder/cross-encoder.ts";
import { viewFolder } from "./folder/decision.ts";
import type { EmbeddingSettings } from "./folder/embedding.ts";
import { readSettings } from "./folder/settings.ts";
import type { TextSettings } from "./folder/settings.ts";
import { readTokenizer } from "./folder/tokenizer.ts";
import { openSteps } from "./folder/step-weights.ts";
import type { VectorStep } from "./folder/step-weights.ts";
import type { ModelFolder } from "./folder/uncertain.ts";
import { eachOnce, noticeUnfused } from "./notices.ts";
import type { Notify } from "./notices.ts";

export interface TextModel {
  readonly runtime: Runtime;
  readonly model: Encoder;
  /** What the folder says of the model: its labels among it. */
  readonly info: EncoderInfo;
  readonly tokenizer: Tokenizer;
  /** What the folder says of its texts and vectors. */
  readonly settings: TextSettings;
  /** The folder's steps from a pooled vector to the vector of a text, with their weights; absent where no vectors are made. */
  readonly steps?: readonly VectorStep[];
  /** Tells what a person should know, each thing once. */
  readonly onNotice?: Notify;
  /** Called after each run of a task. */
  readonly afterRun?: () => void;
}

/** What preparing and joining need of a model: both can be done where no weights are. */
export interface TextSide extends Pick<TextModel, "tokenizer" | "settings" | "info"> {
  /** Tokenises instead of the tokenizer, such as in another thread, to what that makes. */
  readonly encode?: (text: string, options: EncodeOptions) => Promise<Encoding>;
}

/** Loads a model, its tokenizer and its settings. Free it with `model.dispose()`; the runtime stays the caller's. */
export async function openTextModel(folder: ModelFolder, options: LoadOptions, onNotice?: Notify): Promise<TextModel> {
  const view = await viewFolder(folder);
  const { model } = await loadModelFolder(view, architectures, options);
  try {
    return await addTexts(view, { runtime: options.runtime, model }, onNotice);
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** What a folder says about text, added to its model. */
export async function addTexts(
  folder: ModelFolder,
  { runtime, model }: Pick<TextModel, "runtime" | "model">,
  onNotice?: Notify,
): Promise<TextModel> {
  const side = await readTextSide(folder, model.info, onNotice);
  const text = { ...side, steps: await openSteps(folder, stepsOf(side.settings)) };
  if (!onNotice) return { runtime, model, ...text };
  const tell = eachOnce(onNotice);
  return { runtime, model, ...text, onNotice: tell, afterRun: () => noticeUnfused(runtime, tell) };
}

function stepsOf({
  embedding,
  multiVector,
  crossEncoder,
}: TextSettings): Pick<EmbeddingSettings, "steps" | "refusedModules"> {
  const other = multiVector ?? crossEncoder;
  return other ? { steps: other.steps, refusedModules: other.refused } : embedding;
}

/** The folder's steps with their weights. @throws TensorError where the model was opened without. */
export function requireSteps(
  operation: string,
  { steps = [] }: Pick<TextModel, "steps">,
  settings: { readonly folder: string; readonly steps: readonly unknown[] },
): readonly VectorStep[] {
  if (steps.length === settings.steps.length) return steps;
  throw new TensorError(
    operation,
    `expected the modules that follow the pooling in ${settings.folder}, got a model without: open the model by its folder`,
  );
}

/**
 * Tokenizer and settings of a folder: all that texts need where no weights are. Its `info` says what the model is with the folder's modules:
 * those that make scores make it a sequence classifier. @throws CheckpointError, ModelNotFoundError, TokenizerError
 */
export async function readTextSide(folder: ModelFolder, info: EncoderInfo, onNotice?: Notify): Promise<TextSide> {
  const view = await viewFolder(folder);
  const settings = await readSettings(view, info);
  const tokenizer = await readTokenizer(view, settings, onNotice);
  return { info: asClassifier(info, settings.crossEncoder), settings, tokenizer };
}
