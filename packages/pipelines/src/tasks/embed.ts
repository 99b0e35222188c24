/** Sentence embeddings: one vector per text, pooled from the last hidden state. */
import { headNames } from "@modernbert-ts/encoder";
import type { Sequence } from "@modernbert-ts/encoder";
import { InputError } from "../errors.ts";
import { requirePooling } from "../folder/embedding.ts";
import type { EmbeddingSettings } from "../folder/embedding.ts";
import type { PoolingMode, PoolingModes } from "../folder/pooling.ts";
import { normalize } from "../folder/step-weights.ts";
import { chosenPrompt } from "../folder/prompts.ts";
import type { PromptOptions } from "../folder/prompts.ts";
import { noticeAssumptions } from "../folder/uncertain.ts";
import { encodeText, requireFinite } from "../sequences.ts";
import type { EncodeOptions, PackOptions, TextInput } from "../sequences.ts";
import { requireSteps } from "../text-model.ts";
import type { TextModel } from "../text-model.ts";
import { pooledVectors } from "./pooled-vectors.ts";
import { runTask } from "./run-task.ts";
import { oneSequence } from "./task.ts";
import type { Task, TextSide } from "./task.ts";

export interface VectorOptions {
  /** The first token, the mean over tokens or another mode; several one behind another. Default: what the model was made for. */
  readonly pooling?: PoolingModes;
  /** Scale vectors to length 1 (a zero vector stays zero). Default: what the model was made for. */
  readonly normalize?: boolean;
  /** Keep the first so many numbers. Default: what the model was made for. */
  readonly dimensions?: number;
}

export interface EmbedOptions extends VectorOptions, PromptOptions, PackOptions {}

export const embedTask: Task<TextInput, VectorOptions & PromptOptions, Float32Array> = {
  name: "embed",
  heads: headNames,

  async prepare(text, input, options) {
    return oneSequence(await encodeText(text, "embed", input, options, chosenPrompt(text.settings, options)));
  },

  async run(text, pack, options) {
    const { pooling, finish } = vectorMaker(text, options);
    return (await pooledVectors("embed", text, pack, pooling, promptTokens(text, options))).map(finish);
  },

  transferable: ({ buffer }) => [buffer as ArrayBuffer],
};

/** How a text's tokens are pooled, and what makes its vector of the pooled one. @throws TensorError, CheckpointError */
export function vectorMaker(
  text: TextModel,
  options: VectorOptions,
): { readonly pooling: readonly PoolingMode[]; finish(pooled: Float32Array): Float32Array } {
  const { embedding } = text.settings;
  const pooling = [requirePooling(embedding, options.pooling)].flat();
  const width = widthOf(embedding, text.model.info.hiddenSize, pooling.length);
  const { dimensions = Math.min(embedding.dimensions ?? width, width) } = options;
  if (!(Number.isSafeInteger(dimensions) && dimensions > 0 && dimensions <= width)) {
    throw new InputError(
      "embed",
      "dimensions",
      `expected a whole number of dimensions from 1 to ${width}, got ${dimensions}`,
    );
  }
  // A normalising module of the model sees all numbers; a caller who asks gets length 1 whatever is kept.
  const last = embedding.normalize && options.normalize !== undefined ? -1 : undefined;
  const steps = requireSteps("embed", text, embedding).slice(0, last);
  return {
    pooling,
    finish(pooled) {
      const whole = steps.reduce((vector, step) => step(vector), pooled);
      const vector = dimensions === width ? whole : whole.slice(0, dimensions);
      if (options.normalize) normalize(vector);
      return requireFinite("embed", vector);
    },
  };
}

/** Numbers of a whole vector. @throws TensorError where the modules behind the pooling take another number of modes. */
function widthOf({ steps, width, poolingModes }: EmbeddingSettings, hiddenSize: number, modes: number): number {
  if (steps.every(({ kind }) => kind === "Normalize")) return hiddenSize * modes;
  const wanted = Math.max(1, poolingModes.length);
  if (modes === wanted) return width;
  throw new InputError(
    "embed",
    "pooling",
    `expected ${wanted} pooling modes, as the modules behind want, got ${modes}`,
  );
}

/** Tokens at the beginning of each sequence that the pooling leaves out: those of the prompt, without a special one at its end. */
function promptTokens({ tokenizer, settings }: TextSide, options: PromptOptions): number {
  if (settings.embedding.includePrompt) return 0;
  const prompt = chosenPrompt(settings, options);
  if (prompt === "") return 0;
  const { ids } = tokenizer.encode(prompt, { padding: false, truncation: { maxLength: settings.maxLength } });
  const last = ids.at(-1);
  return Object.values(tokenizer.specialTokens).includes(last) ? ids.length - 1 : ids.length;
}

/** Vectors of token sequences (special tokens included), in which the prompt of the options is already. */
export async function embedSequences(
  model: TextModel,
  sequences: readonly Sequence[],
  options: EmbedOptions = {},
): Promise<Float32Array[]> {
  noticeAssumptions(model.settings.embedding, model.onNotice);
  return runTask(embedTask, model, sequences, options);
}

/** Vectors of texts: `dimensions` f32 each, as many as the model makes unless it or the options say less. */
export async function embed(
  model: TextModel,
  texts: readonly string[],
  options: EmbedOptions & EncodeOptions = {},
): Promise<Float32Array[]> {
  requirePooling(model.settings.embedding, options.pooling);
  noticeAssumptions(model.settings.embedding, model.onNotice);
  return runTask(embedTask, model, texts, options);
}
