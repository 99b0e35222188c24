/** Sentence embeddings: one vector per text, pooled from the last hidden state. */
import { headNames, pool } from "@modernbert-ts/encoder";
import type { PackedBatch, Sequence } from "@modernbert-ts/encoder";
import { cast, TensorError } from "@modernbert-ts/tensor-core";
import { InputError } from "../errors.ts";
import { requirePooling } from "../folder/embedding.ts";
import type { EmbeddingSettings, PoolingMode, PoolingModes } from "../folder/embedding.ts";
import { normalize } from "../folder/step-weights.ts";
import type { VectorStep } from "../folder/step-weights.ts";
import { chosenPrompt } from "../folder/prompts.ts";
import type { PromptOptions } from "../folder/prompts.ts";
import { noticeAssumptions } from "../folder/uncertain.ts";
import { encodeText, requireFinite } from "../sequences.ts";
import type { EncodeOptions, PackOptions, TextInput } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { poolRows } from "./pool-rows.ts";
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

  prepare(text, input, options) {
    return oneSequence(encodeText(text, "embed", input, options, chosenPrompt(text.settings, options)));
  },

  async run(text, pack, options) {
    const { pooling, finish } = vectorMaker(text, options);
    return (await pooledVectors(text, pack, pooling, promptTokens(text, options))).map(finish);
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
  const steps = requireSteps(text).slice(0, last);
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

function requireSteps({ steps = [], settings: { embedding } }: TextModel): readonly VectorStep[] {
  if (steps.length === embedding.steps.length) return steps;
  throw new TensorError(
    "embed",
    `expected the modules that follow the pooling in ${embedding.folder}, got a model without: open the model by its folder`,
  );
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

/** One vector per sequence, each in memory of its own. Only what a device pools by itself leaves the hidden states there. */
async function pooledVectors(
  { model }: TextModel,
  pack: PackedBatch,
  modes: readonly PoolingMode[],
  skip: number,
): Promise<Float32Array[]> {
  const [mode] = modes;
  const onDevice = modes.length === 1 && skip === 0 && (mode === "cls" || mode === "mean") ? mode : undefined;
  const rows = model.run(pack, (hidden, batch) => cast(onDevice ? pool(hidden, batch, onDevice) : hidden, "f32"));
  try {
    const values = requireFinite("embed", (await rows.read()) as Float32Array);
    const width = model.info.hiddenSize;
    if (!onDevice) return poolRows(values, width, pack.cuSeqlens, modes, skip);
    return Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width));
  } finally {
    rows.dispose();
  }
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
