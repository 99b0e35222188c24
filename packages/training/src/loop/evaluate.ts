/** Held-out evaluation: masked-language-model loss and accuracy on batches whose masks do not change between evaluations. */
import type { PackedMlmBatch, PackedMlmLoader } from "../data/packing/packed-loader.ts";
import { DataError } from "../errors.ts";
import type { TrainableModel } from "../objectives/objective.ts";

export interface MaskedLmScore {
  /** Mean cross-entropy of the masked tokens, in nats. */
  readonly loss: number;
  /** Share of the masked tokens that were predicted right, 0..1. */
  readonly maskedAccuracy: number;
  readonly maskedTokens: number;
}

/**
 * Runs the model without gradients on all batches. Scores can be compared when the batches are the same each time: a loader of
 * one epoch with a fixed seed, see `batchesOf`. Errors: DataError `invalid` when there is no batch.
 */
export async function evaluateMaskedLm(
  model: TrainableModel,
  batches: Iterable<PackedMlmBatch>,
): Promise<MaskedLmScore> {
  let loss = 0;
  let correct = 0;
  let maskedTokens = 0;
  for (const { rows, maskedTokens: count } of batches) {
    const outputs = rows.map((row) => model.runtime.scope(() => model.maskedLm(row)));
    for (const { lossSum, correct: right } of outputs) {
      loss += await lossSum.item();
      correct += await right.item();
      lossSum.dispose();
      right.dispose();
    }
    maskedTokens += count;
  }
  if (maskedTokens === 0)
    throw new DataError("invalid", "evaluateMaskedLm", "expected at least 1 batch, got 0; check the validation data");
  return { loss: loss / maskedTokens, maskedAccuracy: correct / maskedTokens, maskedTokens };
}

/** All batches that a loader of limited epochs still has, or the first `limit`. */
export function* batchesOf(
  loader: PackedMlmLoader,
  limit: number = Number.POSITIVE_INFINITY,
): Generator<PackedMlmBatch> {
  for (let given = 0; given < limit; given++) {
    const batch = loader.next();
    if (batch === undefined) return;
    yield batch;
  }
}
