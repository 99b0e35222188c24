/** Sentence embeddings: one vector per text, pooled from the last hidden state. */
import { headNames, pool } from "@modernbert-ts/encoder";
import type { Pooling } from "@modernbert-ts/encoder";
import { cast, TensorError } from "@modernbert-ts/tensor-core";
import { requirePooling } from "../folder/embedding.ts";
import { promptText } from "../folder/prompts.ts";
import type { PromptOptions } from "../folder/prompts.ts";
import { noticeAssumptions } from "../folder/uncertain.ts";
import { encodeTexts, requireFinite } from "../sequences.ts";
import type { EncodeOptions, PackOptions } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { runTask, runTaskOnTexts } from "./run-task.ts";
import type { Task } from "./task.ts";

export interface VectorOptions {
  /** The first token or the mean over tokens. Default: what the model was made for. */
  readonly pooling?: Pooling;
  /** Scale vectors to length 1 (a zero vector stays zero). Default: what the model was made for. */
  readonly normalize?: boolean;
  /** Keep the first so many numbers. Default: what the model was made for. */
  readonly dimensions?: number;
}

export interface EmbedOptions extends VectorOptions, PromptOptions, PackOptions {}

export const embedTask: Task<VectorOptions & PromptOptions, Float32Array> = {
  name: "embed",
  heads: headNames,

  prepare(text, texts, options) {
    return encodeTexts(text, "embed", texts, options, promptText(text.settings, options));
  },

  async run({ model, settings: { embedding } }, pack, options) {
    const pooling = requirePooling(embedding, options.pooling);
    const width = model.info.hiddenSize;
    const { dimensions = Math.min(embedding.dimensions ?? width, width) } = options;
    if (dimensions < 1 || dimensions > width) {
      throw new TensorError("embed", `expected dimensions from 1 to ${width}, got ${dimensions}`);
    }
    const pooled = model.run(pack, (hidden, batch) => cast(pool(hidden, batch, pooling), "f32"));
    try {
      const values = requireFinite("embed", (await pooled.read()) as Float32Array);
      return Array.from({ length: values.length / width }, (_, row) => {
        const whole = values.slice(row * width, (row + 1) * width);
        // A normalising module of the model sees all numbers; a caller who asks gets length 1 whatever is kept.
        if (embedding.normalize && options.normalize === undefined) normalize(whole);
        const vector = dimensions === width ? whole : whole.slice(0, dimensions);
        if (options.normalize) normalize(vector);
        return vector;
      });
    } finally {
      pooled.dispose();
    }
  },

  transferable: ({ buffer }) => [buffer as ArrayBuffer],
};

/** Vectors of token sequences (special tokens included). */
export async function embedSequences(
  model: TextModel,
  sequences: readonly Int32Array[],
  options: VectorOptions & PackOptions = {},
): Promise<Float32Array[]> {
  noticeAssumptions(model.settings.embedding, model.onNotice);
  return runTask(embedTask, model, sequences, options);
}

/** Vectors of texts: `dimensions` f32 each, hidden_size unless the model or the options say less. */
export async function embed(
  model: TextModel,
  texts: readonly string[],
  options: EmbedOptions & EncodeOptions = {},
): Promise<Float32Array[]> {
  requirePooling(model.settings.embedding, options.pooling);
  noticeAssumptions(model.settings.embedding, model.onNotice);
  return runTaskOnTexts(embedTask, model, texts, options);
}

/** Divides by the L2 norm in place; summed in f64. */
export function normalize(vector: Float32Array): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! * factor;
}
