/**
 * One training step: the rows of a batch forward and backward one after another, their gradients summed, one update. The loss is
 * Σ lossSum / Σ weight over the whole step and all ranks, so how a batch is cut into rows and spread over ranks does not change what is
 * learned (averaging the rows' means would: they score different numbers of tokens). No await; after two steps of warm-up no new allocation.
 */
import { add, assign, concat, div, slice, zeros } from "@modernbert-ts/tensor-core";
import type { Collective, Tensor } from "@modernbert-ts/tensor-core";
import type { Batch } from "../data/packing/batch.ts";
import type { MetricDefinition, ObjectiveOutput, TrainableModel } from "../objectives/objective.ts";
import type { Optimizer } from "../optimizer/optimizer.ts";
import { GradientExchange } from "./gradient-exchange.ts";
import { addRowsTogether } from "./joint-gradients.ts";
import { addRow } from "./row-gradients.ts";
import { StepGradients } from "./step-gradients.ts";
import { uploadStep } from "./device-step.ts";
import type { DeviceStep, StepOptions } from "./device-step.ts";

export interface StepMetrics {
  /** Mean loss of what is scored. */
  readonly loss: number;
  /** By the names of the objective's metrics. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Global norm of the gradient of `loss`. */
  readonly gradientNorm: number;
  /** Whether the step changed no parameter. */
  readonly skipped: boolean;
  /** The loss scale of this step; 1 without loss scaling. */
  readonly lossScale: number;
}

/** Uploads a batch and queues its step, see `queueStep`. */
export function trainingStep<Row>(
  model: TrainableModel<Row>,
  optimizer: Optimizer,
  batch: Batch<Row>,
  options: StepOptions,
): Tensor {
  return model.runtime.scope(() => queueStep(model, optimizer, uploadStep(model, optimizer, batch, options)));
}

/**
 * Queues the step. Returns what it leaves on the device, f32 [4 + metrics]: the loss, the metrics, the gradient norm,
 * what gradients were multiplied by (0: the step was skipped), the loss scale;
 * `readStepMetrics` fetches it, else the caller disposes it. Uploads nothing: `runtime.capture` records it, `overwriteStep`
 * gives the replay other inputs.
 * @throws Error when ranks train together and a parameter gets no gradient, which their sums could not tell from zero.
 */
export function queueStep<Row, DeviceRow>(
  model: TrainableModel<Row, DeviceRow>,
  optimizer: Optimizer,
  { rows, weight, collective, reduceDtype, bucketBytes }: DeviceStep<DeviceRow>,
): Tensor {
  const { runtime } = model;
  const ranks = collective && collective.world > 1 ? collective : undefined;
  const exchange = ranks && new GradientExchange(ranks, model, { dtype: reduceDtype, bucketBytes });
  const gradients = new StepGradients(model, exchange?.take);
  return runtime.scope(() => {
    try {
      const outputWeight = div(optimizer.lossScale.value, weight);
      const totals = addRows(model, rows, outputWeight, gradients, ranks) ?? noOutput(model);
      if (!gradients.complete) gradients.addZeros();
      const sums = concat([totals.lossSum, ...totals.sums], 0);
      exchange?.end(sums);
      const metrics = runtime.empty([sums.size + 3]);
      const put = (from: number, value: Tensor): void => void assign(slice(metrics, 0, from, from + value.size), value);
      put(sums.size + 2, optimizer.lossScale.value);
      const { norm, gradScale } = optimizer.update(gradients.sums, () => div(slice(sums, 0, 0, 1), weight));
      put(sums.size, norm);
      put(sums.size + 1, gradScale);
      put(0, div(sums, weight));
      return metrics;
    } finally {
      gradients.dispose();
    }
  });
}

/** @returns what this rank counts; undefined where that is nothing. */
function addRows<DeviceRow>(
  model: TrainableModel<never, DeviceRow>,
  rows: readonly DeviceRow[],
  outputWeight: Tensor,
  gradients: StepGradients,
  ranks: Collective | undefined,
): ObjectiveOutput | undefined {
  const { joint } = model;
  if (joint && rows.length > 1) return addRowsTogether(model, joint, rows, outputWeight, gradients, ranks);
  let totals: ObjectiveOutput | undefined;
  // The only row of a joint loss is rank 0's.
  const own = joint && ranks && ranks.rank > 0 ? [] : rows;
  for (const [at, row] of own.entries()) {
    if (at === own.length - 1) gradients.lastRow();
    const output = addRow(model, row, outputWeight, gradients);
    totals = totals ? addOutputs(totals, output) : output;
  }
  return totals;
}

/** Waits for the step and disposes its metrics. @param definitions names the metrics; without them there are none. */
export async function readStepMetrics(
  tensor: Tensor,
  definitions: readonly MetricDefinition[] = [],
): Promise<StepMetrics> {
  try {
    const [loss, ...values] = Array.from((await tensor.read()) as ArrayLike<number>);
    const [gradientNorm, gradScale, lossScale] = values.slice(-3);
    const metrics = Object.fromEntries(definitions.map(({ name }, index) => [name, values[index]!]));
    return { loss: loss!, metrics, gradientNorm: gradientNorm!, lossScale: lossScale!, skipped: gradScale === 0 };
  } finally {
    tensor.dispose();
  }
}

function addOutputs(a: ObjectiveOutput, b: ObjectiveOutput): ObjectiveOutput {
  return { lossSum: add(a.lossSum, b.lossSum), sums: a.sums.map((sum, index) => add(sum, b.sums[index]!)) };
}

/** Of a rank without rows. */
function noOutput({ runtime, metrics }: TrainableModel<never>): ObjectiveOutput {
  return { lossSum: zeros(runtime, [1]), sums: metrics.map(() => zeros(runtime, [1])) };
}
