/** Texts to token sequences and sequences to packs of bounded size. */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Pipeline } from "./pipeline.ts";

export interface EncodeOptions {
  /** Cut texts that are longer than the model's maximum; otherwise they are an error. */
  readonly truncate?: boolean;
}

/** Token ids with [CLS] and [SEP]; a text longer than `max_position_embeddings` throws unless `truncate`. */
export function encodeTexts(
  pipeline: Pipeline,
  operation: string,
  texts: readonly string[],
  { truncate = false }: EncodeOptions,
): Int32Array[] {
  const limit = pipeline.model.config.maxPositionEmbeddings;
  return texts.map((text, index) => {
    const { ids } = pipeline.tokenizer.encode(text, truncate ? { truncation: { maxLength: limit } } : {});
    if (ids.length > limit) {
      throw new TensorError(
        operation,
        `expected at most ${limit} tokens, got ${ids.length} in text ${index}: shorten it or pass truncate`,
      );
    }
    return ids;
  });
}

/**
 * Runs `forward` on packs of at most `maxTokens` tokens (a longer sequence is a pack of its own) and returns its results in order.
 * Each pack is read back before the next is queued, so memory stays bounded.
 */
export async function inPacks<T>(
  sequences: readonly Int32Array[],
  maxTokens: number,
  forward: (pack: readonly Int32Array[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const results: T[] = [];
  for (let start = 0; start < sequences.length;) {
    let end = start + 1;
    let tokens = sequences[start]!.length;
    while (end < sequences.length && tokens + sequences[end]!.length <= maxTokens) tokens += sequences[end++]!.length;
    results.push(...(await forward(sequences.slice(start, end))));
    start = end;
  }
  return results;
}

/** Tokens per forward pass when the caller does not say. */
export const defaultPackTokens = 8192;
