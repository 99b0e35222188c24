/** Held-out evaluation: loss and metrics on batches that do not change between evaluations. */
import type { Collective } from "@modernbert-ts/tensor-core";
import { gatherNumbers } from "../collectives/gather.ts";
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
 * one epoch with a fixed seed, see `batchesOf`. @throws DataError `invalid` when there is no batch.
 * @param collective the ranks that score together, each its own batches; all get the score of all.
 */
export async function evaluate<Row>(
  model: TrainableModel<Row>,
  batches: Iterable<Batch<Row>>,
  collective?: Collective,
): Promise<Score> {
  let totals = Array.from({ length: 2 + model.metrics.length }, () => 0);
  for (const batch of batches) {
    const outputs = batch.rows.map((row) => model.runtime.scope(() => model.forward(model.upload(row))));
    for (const { lossSum, sums } of outputs) {
      for (const [index, sum] of [lossSum, ...sums].entries()) {
        totals[1 + index]! += await sum.item();
        sum.dispose();
      }
    }
    totals[0]! += batch.weight;
  }
  if (collective && collective.world > 1) {
    const all = await gatherNumbers(model.runtime, collective, totals);
    totals = totals.map((_, at) => all.reduce((sum, own) => sum + own[at]!, 0));
  }
  const [weight, ...sums] = totals as [number, ...number[]];
  if (!(weight > 0))
    throw new DataError(
      "invalid",
      "evaluate",
      `expected something to score, got a weight of ${weight}: check the validation data`,
    );
  const [loss, ...means] = sums.map((sum) => sum / weight);
  return { loss: loss!, metrics: Object.fromEntries(model.metrics.map(({ name }, at) => [name, means[at]!])), weight };
}
