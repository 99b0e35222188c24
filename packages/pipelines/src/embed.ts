/** Sentence embeddings: one vector per text, pooled from the last hidden state. */
import { packSequences, pool } from "@modernbert-ts/encoder";
import type { Pooling } from "@modernbert-ts/encoder";
import { cast, TensorError } from "@modernbert-ts/tensor-core";
import type { TextModel } from "./text-model.ts";
import { defaultPackTokens, encodeTexts, inPacks, requireFinite } from "./sequences.ts";
import type { EncodeOptions } from "./sequences.ts";

export interface EmbedOptions {
  /** The first token or the mean over tokens; by default what the model was made for (`pipeline.pooling`). */
  readonly pooling?: Pooling;
  /** Scale vectors to length 1 (a zero vector stays zero). Default false. */
  readonly normalize?: boolean;
  readonly maxTokensPerPack?: number;
}

/** Vectors of hidden_size f32 for token sequences (special tokens included). */
export async function embedSequences(
  pipeline: Pick<TextModel, "model" | "runtime" | "pooling">,
  sequences: readonly Int32Array[],
  options: EmbedOptions = {},
): Promise<Float32Array[]> {
  const { model, runtime } = pipeline;
  const pooling = options.pooling ?? pipeline.pooling;
  if (!pooling) {
    throw new TensorError(
      "embed",
      "1_Pooling/config.json asks for a pooling that is not implemented: choose cls or mean",
    );
  }
  return inPacks(sequences, options.maxTokensPerPack ?? defaultPackTokens, async (pack) => {
    const pooled = runtime.scope(() => {
      const batch = model.upload(packSequences(pack));
      return cast(pool(model.forward(batch), batch, pooling), "f32");
    });
    try {
      const values = requireFinite("embed", (await pooled.read()) as Float32Array);
      const width = model.info.hiddenSize;
      const vectors = pack.map((_, index) => values.slice(index * width, (index + 1) * width));
      if (options.normalize) for (const vector of vectors) normalize(vector);
      return vectors;
    } finally {
      pooled.dispose();
    }
  });
}

/** Vectors for texts. */
export async function embed(
  pipeline: TextModel,
  texts: readonly string[],
  options: EmbedOptions & EncodeOptions = {},
): Promise<Float32Array[]> {
  return embedSequences(pipeline, encodeTexts(pipeline, "embed", texts, options), options);
}

/** Divides by the L2 norm in place; summed in f64. */
export function normalize(vector: Float32Array): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! * factor;
}
