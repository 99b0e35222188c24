/** Held-out evaluation: loss and metrics on batches that do not change between evaluations. */
import type { Collective, Tensor } from "@modernbert-ts/tensor-core";
import { gatherJson, gatherNumbers } from "../collectives/gather.ts";
import type { Batch } from "../data/packing/batch.ts";
import { DataError } from "../errors.ts";
import type { ObjectiveOutput, TrainableModel } from "../objectives/objective.ts";

export interface Score {
  /** Mean loss of what is scored. */
  readonly loss: number;
  /** By the names of the objective's metrics. */
  readonly metrics: Readonly<Record<string, number>>;
  /** How much was scored. */
  readonly weight: number;
  /** Mean loss by the name of a source, where batches say which they are of. */
  readonly sources?: Readonly<Record<string, number>>;
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
  const seen = await see(model, batches, () => false);
  return scoreOf(model, collective && collective.world > 1 ? await seenByAll(model, collective, seen!) : seen!);
}

/** The same for one process that may be told to stop: undefined, within a batch, once `stopped` says so. @throws DataError like `evaluate`. */
export async function evaluateUnless<Row>(
  stopped: () => boolean,
  model: TrainableModel<Row>,
  batches: Iterable<Batch<Row>>,
): Promise<Score | undefined> {
  const seen = await see(model, batches, stopped);
  return seen && scoreOf(model, seen);
}

/** What an evaluation adds up and keeps. */
interface Seen {
  /** Weight, loss and metrics. */
  readonly totals: readonly number[];
  /** Of `HeldOutMetrics`. */
  readonly items: readonly unknown[];
  /** Weight and loss of each batch whose source is known. */
  readonly bySource: readonly (readonly [source: string, weight: number, loss: number])[];
}

/** undefined where it was stopped. */
async function see<Row>(
  model: TrainableModel<Row>,
  batches: Iterable<Batch<Row>>,
  stopped: () => boolean,
): Promise<Seen | undefined> {
  const totals = Array.from({ length: 2 + model.metrics.length }, () => 0);
  const items: unknown[] = [];
  const bySource: [string, number, number][] = [];
  for (const batch of batches) {
    // Lets signals in, also on a backend whose reads never leave the thread.
    await new Promise((resolve) => setImmediate(resolve));
    if (stopped()) return undefined;
    const lossBefore = totals[1]!;
    const { outputs, predictions } = model.runtime.scope(() => forward(model, batch.rows));
    for (const { lossSum, sums } of outputs) {
      for (const [index, sum] of [lossSum, ...sums].entries()) {
        totals[1 + index]! += await sum.item();
        sum.dispose();
      }
    }
    for (const [at, made] of predictions.entries())
      if (made) items.push(...(await collect(model, batch.rows[at]!, made)));
    totals[0]! += batch.weight;
    if (batch.source !== undefined) bySource.push([batch.source, batch.weight, totals[1]! - lossBefore]);
  }
  return { totals, items, bySource };
}

/** The losses of rows, one by one or together, and the predictions of each. */
function forward<Row>(
  model: TrainableModel<Row>,
  rows: readonly Row[],
): { readonly outputs: readonly ObjectiveOutput[]; readonly predictions: readonly (Tensor | undefined)[] } {
  const { joint } = model;
  if (!joint) {
    const outputs = rows.map((row) => model.runtime.scope(() => model.forward(model.upload(row))));
    return { outputs, predictions: outputs.map(({ predictions }) => predictions) };
  }
  if (rows.length === 0) return { outputs: [], predictions: [] };
  const devices = rows.map((row) => model.upload(row));
  const representations = devices.map((row) => joint.represent(row));
  return { outputs: [joint.loss(representations, devices)], predictions: representations };
}

async function collect<Row>(
  { heldOut }: Pick<TrainableModel<Row>, "heldOut">,
  row: Row,
  predictions: Tensor,
): Promise<readonly unknown[]> {
  try {
    return heldOut ? heldOut.collect(row, Float32Array.from(await predictions.read())) : [];
  } finally {
    predictions.dispose();
  }
}

async function seenByAll(
  { runtime, heldOut }: Pick<TrainableModel<never>, "runtime" | "heldOut">,
  collective: Collective,
  { totals, items, bySource }: Seen,
): Promise<Seen> {
  const all = await gatherNumbers(runtime, collective, totals);
  const kept = heldOut ? ((await gatherJson(runtime, collective, items)) as unknown[][]) : [];
  const sources = (await gatherJson(runtime, collective, bySource)) as Seen["bySource"][];
  return {
    totals: totals.map((_, at) => all.reduce((sum, own) => sum + own[at]!, 0)),
    items: kept.flat(),
    bySource: sources.flat(),
  };
}

function scoreOf<Row>(
  { metrics, heldOut }: Pick<TrainableModel<Row>, "metrics" | "heldOut">,
  { totals, items, bySource }: Seen,
): Score {
  const [weight, ...sums] = totals as [number, ...number[]];
  if (!(weight > 0))
    throw new DataError(
      "invalid",
      "evaluate",
      `expected something to score, got a weight of ${weight}: check the validation data`,
    );
  const [loss, ...means] = sums.map((sum) => sum / weight);
  const named = Object.fromEntries(metrics.map(({ name }, at) => [name, means[at]!]));
  const sources = bySource.length === 0 ? {} : { sources: meansOf(bySource) };
  return { loss: loss!, metrics: { ...named, ...heldOut?.summarise(items) }, weight, ...sources };
}

/** In the order of names, whichever rank had which batch; without those of which nothing was scored. */
function meansOf(bySource: Seen["bySource"]): Record<string, number> {
  const names = [...new Set(bySource.map(([source]) => source))].sort();
  const means = names.map((name): [string, number] => {
    const own = bySource.filter(([source]) => source === name);
    const [weight, loss] = [1, 2].map((at) => own.reduce((sum, each) => sum + (each[at] as number), 0));
    return [name, loss! / weight!];
  });
  return Object.fromEntries(means.filter(([, mean]) => Number.isFinite(mean)));
}
