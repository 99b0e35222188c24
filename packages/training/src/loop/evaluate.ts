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
  const totals = await addUp(model, batches, () => false);
  return scoreOf(model, collective && collective.world > 1 ? await sumOfRanks(model, collective, totals!) : totals!);
}

/** The same for one process that may be told to stop: undefined, within a batch, once `stopped` says so. @throws DataError like `evaluate`. */
export async function evaluateUnless<Row>(
  stopped: () => boolean,
  model: TrainableModel<Row>,
  batches: Iterable<Batch<Row>>,
): Promise<Score | undefined> {
  const totals = await addUp(model, batches, stopped);
  return totals && scoreOf(model, totals);
}

/** Weight, loss and metrics; undefined where it was stopped. */
async function addUp<Row>(
  model: TrainableModel<Row>,
  batches: Iterable<Batch<Row>>,
  stopped: () => boolean,
): Promise<number[] | undefined> {
  const totals = Array.from({ length: 2 + model.metrics.length }, () => 0);
  for (const batch of batches) {
    // Lets signals in, also on a backend whose reads never leave the thread.
    await new Promise((resolve) => setImmediate(resolve));
    if (stopped()) return undefined;
    const outputs = batch.rows.map((row) => model.runtime.scope(() => model.forward(model.upload(row))));
    for (const { lossSum, sums } of outputs) {
      for (const [index, sum] of [lossSum, ...sums].entries()) {
        totals[1 + index]! += await sum.item();
        sum.dispose();
      }
    }
    totals[0]! += batch.weight;
  }
  return totals;
}

async function sumOfRanks(
  { runtime }: Pick<TrainableModel<never>, "runtime">,
  collective: Collective,
  totals: readonly number[],
): Promise<number[]> {
  const all = await gatherNumbers(runtime, collective, totals);
  return totals.map((_, at) => all.reduce((sum, own) => sum + own[at]!, 0));
}

function scoreOf({ metrics }: Pick<TrainableModel<never>, "metrics">, totals: readonly number[]): Score {
  const [weight, ...sums] = totals as [number, ...number[]];
  if (!(weight > 0))
    throw new DataError(
      "invalid",
      "evaluate",
      `expected something to score, got a weight of ${weight}: check the validation data`,
    );
  const [loss, ...means] = sums.map((sum) => sum / weight);
  return { loss: loss!, metrics: Object.fromEntries(metrics.map(({ name }, at) => [name, means[at]!])), weight };
}
