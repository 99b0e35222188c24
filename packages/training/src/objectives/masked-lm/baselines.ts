/**
 * What can be had without a model, on the very positions that a model is scored on: always guessing the most frequent training
 * token, and the cross-entropy of the training tokens' frequencies. A model that does not beat both clearly has learned nothing.
 */
import type { MaskedLmBatch } from "./loader.ts";
import type { DocumentStore } from "../../data/packing/sequences.ts";

export interface TokenCounts {
  /** Occurrences of each id in the training data [vocabulary]. */
  readonly counts: Float64Array;
  readonly total: number;
}

export interface MaskedLmBaselines {
  readonly mostFrequentToken: number;
  /** Share of the masked tokens that are the most frequent training token. */
  readonly mostFrequentAccuracy: number;
  /** Mean of -log((count + 1) / (total + vocabulary)) over the masked tokens, in nats. */
  readonly unigramLoss: number;
  readonly maskedTokens: number;
}

/** Enough to know the frequencies: a run reads no more of its data before its first step. */
const enough = 20_000_000;

/** Counts the tokens but `specialIds`, which masking leaves alone; of more than `most` tokens those of every so manieth document. */
export function countTokens(
  store: DocumentStore,
  specialIds: readonly number[] = [],
  most: number = enough,
): TokenCounts {
  const counts = new Float64Array(store.vocabSize);
  let buffer = new Int32Array(1 << 16);
  let tokens = 0;
  for (let document = 0; document < store.documents; document++) tokens += store.documentLength(document);
  const every = Math.max(1, Math.ceil(tokens / most));
  for (let document = 0; document < store.documents; document += every) {
    const length = store.documentLength(document);
    if (length > buffer.length) buffer = new Int32Array(length);
    store.copyDocument(document, 0, length, buffer, 0);
    for (let at = 0; at < length; at++) counts[buffer[at]!]!++;
  }
  for (const id of specialIds) counts[id] = 0;
  return { counts, total: counts.reduce((sum, count) => sum + count, 0) };
}

/** Both baselines on the masked positions of `batches`. */
export function maskedLmBaselines({ counts, total }: TokenCounts, batches: Iterable<MaskedLmBatch>): MaskedLmBaselines {
  const mostFrequentToken = counts.reduce((best, count, id) => (count > counts[best]! ? id : best), 0);
  let maskedTokens = 0;
  let hits = 0;
  let loss = 0;
  for (const { rows } of batches) {
    for (const { maskedLabels } of rows) {
      for (const label of maskedLabels) {
        if (label === mostFrequentToken) hits++;
        loss -= Math.log((counts[label]! + 1) / (total + counts.length));
      }
      maskedTokens += maskedLabels.length;
    }
  }
  return {
    mostFrequentToken,
    mostFrequentAccuracy: hits / maskedTokens,
    unigramLoss: loss / maskedTokens,
    maskedTokens,
  };
}
