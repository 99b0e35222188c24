/** A batch and all else that a training step reads, on the device: uploaded before, so that the step itself can be captured. */
import type { Collective, Tensor } from "@modernbert-ts/tensor-core";
import type { Batch } from "../data/packing/batch.ts";
import { DataError } from "../errors.ts";
import type { TrainableModel, RowDraw } from "../objectives/objective.ts";
import type { Optimizer } from "../optimizer/optimizer.ts";

export interface DeviceStep<DeviceRow> {
  readonly rows: readonly DeviceRow[];
  /** What the sum of losses of all ranks is divided by, f32 [1]. */
  readonly weight: Tensor;
  readonly collective: Collective | undefined;
  readonly reduceDtype: ReduceDtype;
  readonly bucketBytes: number | undefined;
}

/** In which dtype ranks sum their gradients. */
export type ReduceDtype = "f32" | "bf16";

export interface StepOptions {
  /** 1-based. */
  readonly step: number;
  readonly learningRate: number;
  /** Of all ranks together; that of the batch where this process trains alone. */
  readonly weight?: number;
  /** The ranks that train together; this process alone when absent. */
  readonly collective?: Collective;
  /** bf16 halves what ranks exchange, and rounds what each of them gives (default f32). */
  readonly reduceDtype?: ReduceDtype | undefined;
  /** Ranks sum gradients in buckets of so many bytes beside the backward pass; behind it when absent. */
  readonly bucketBytes?: number | undefined;
}

/**
 * It belongs to the scope around the call, else to the caller (`disposeTensors`). The learning rate goes to the optimizer.
 * @throws DataError when several ranks train and the weight of all is not given.
 */
export function uploadStep<Row, DeviceRow>(
  model: TrainableModel<Row, DeviceRow>,
  optimizer: Optimizer,
  batch: Batch<Row>,
  options: StepOptions,
): DeviceStep<DeviceRow> {
  optimizer.setLearningRate(options.learningRate);
  return {
    rows: batch.rows.map((row, at) => model.upload(row, drawOf(model, options, at))),
    weight: model.runtime.tensor([divisorOf(batch, options)], [1]),
    collective: options.collective,
    reduceDtype: options.reduceDtype ?? "f32",
    bucketBytes: options.bucketBytes,
  };
}

/**
 * Puts another batch of the same sizes in its place, in order with queued work.
 * @throws DataError when the number of rows differs; what the model throws when a row's sizes do: overwrite the step again before it runs.
 */
export function overwriteStep<Row, DeviceRow>(
  model: TrainableModel<Row, DeviceRow>,
  optimizer: Optimizer,
  device: DeviceStep<DeviceRow>,
  batch: Batch<Row>,
  options: StepOptions,
): void {
  if (batch.rows.length !== device.rows.length)
    throw new DataError("invalid", "overwriteStep", `expected ${device.rows.length} rows, got ${batch.rows.length}`);
  for (const [at, row] of batch.rows.entries()) model.overwrite(device.rows[at]!, row, drawOf(model, options, at));
  optimizer.setLearningRate(options.learningRate);
  model.runtime.write(device.weight, Float32Array.of(divisorOf(batch, options)));
}

/** 1 where nothing is scored: the loss is 0 then, not 0 / 0. A weight that is not a number makes a loss that is none. */
function divisorOf(batch: Batch<unknown>, { weight, collective }: StepOptions): number {
  if (weight === undefined && collective && collective.world > 1)
    throw new DataError("invalid", "trainingStep", "expected the weight of all ranks together, got none");
  const divisor = weight ?? batch.weight;
  return divisor === 0 ? 1 : divisor;
}

/** No two rows of a step draw the same numbers, whichever rank has them. */
function drawOf(
  { joint }: Pick<TrainableModel<never>, "joint">,
  { step, collective }: StepOptions,
  at: number,
): RowDraw {
  const { rank, world } = collective ?? { rank: 0, world: 1 };
  return { step, row: joint ? at : at * world + rank };
}
