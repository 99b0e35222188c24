/** Held-out evaluation: loss and metrics on batches that do not change between evaluations. */
import type { Batch } from "../data/packing/batch.ts";
import { DataError } from "../errors.ts";
import type { TrainableModel } from "../objectives/objective.ts";

export interface Score {
  /** Mean loss of what is scored. */
  readonly loss: number;
  /** By the names of the objective's metrics. */
  readonly metrics: Readonly<Record<string, number>>;
  /** How much was scored. */
  readonly weight: number;
}

/**
 * Runs the model without gradients on all batches. Scores can be compared when the batches are the same each time: a loader of
 * one epoch with a fixed seed, see `batchesOf`. Errors: DataError `invalid` when there is no batch.
 */
export async function evaluate<Row>(model: TrainableModel<Row>, batches: Iterable<Batch<Row>>): Promise<Score> {
  const totals = new Float64Array(1 + model.metrics.length);
  let weight = 0;
  for (const batch of batches) {
    const outputs = batch.rows.map((row) => model.runtime.scope(() => model.forward(row)));
    for (const { lossSum, sums } of outputs) {
      for (const [index, sum] of [lossSum, ...sums].entries()) {
        totals[index]! += await sum.item();
        sum.dispose();
      }
    }
    weight += batch.weight;
  }
  if (weight === 0)
    throw new DataError("invalid", "evaluate", "expected at least 1 batch, got 0; check the validation data");
  const [loss, ...means] = Array.from(totals, (total) => total / weight);
  return { loss: loss!, metrics: Object.fromEntries(model.metrics.map(({ name }, at) => [name, means[at]!])), weight };
}
