/** What every loss returns, and the cross-entropy of small logits. Reduction as in transformers: a mean over what counts. */
import { logSumExp, map, scalar, scale, sumAll, takeAlong, TensorError, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { BatchError } from "../errors.ts";

export interface LossOptions {
  /**
   * Divides the sum in place of `count`: with gradients accumulated over several batches, the count of all of them
   * (transformers' `num_items_in_batch`).
   */
  readonly numItems?: number;
}

export interface Loss {
  /** [1]: lossSum / (numItems ?? count); 0 where nothing counts. The one to differentiate. */
  readonly loss: Tensor;
  /** [1] */
  readonly lossSum: Tensor;
  /** How many terms the sum has. */
  readonly count: number;
}

/** Completes a loss from its sum. */
export function reduceLoss(lossSum: Tensor, count: number, { numItems }: LossOptions): Loss {
  if (numItems !== undefined && !(numItems > 0)) {
    throw new TensorError("loss", `expected numItems above 0, got ${numItems}`);
  }
  return { loss: scale(lossSum, 1 / (numItems ?? Math.max(count, 1))), lossSum, count };
}

const clamped = scalar.max(x(0), 0);
const term = scalar.select(scalar.lessEqual(0, x(2)), scalar.sub(x(0), x(1)), 0);

/** logits [N, C] and labels [N], below 0 for rows that do not count → Σ cross-entropy [1]. Labels are checked. */
export function crossEntropySum(operation: string, logits: Tensor, labels: Int32Array): Tensor {
  const [rows, classes] = logits.shape as [number, number];
  checkLabels(operation, labels, rows, classes);
  const label = logits.runtime.tensor(labels, [rows, 1], "i32");
  const picked = takeAlong(logits, map(clamped, [label]));
  return sumAll(map(term, [logSumExp(logits), picked, label]));
}

/** @throws BatchError unless there is one label for each row, all below `classes`. */
export function checkLabels(operation: string, labels: ArrayLike<number>, rows: number, classes: number): void {
  checkCount(operation, labels, rows);
  for (let at = 0; at < rows; at++) {
    if (labels[at]! >= classes) {
      throw new BatchError(operation, `expected labels below ${classes}, got ${labels[at]} at ${at}`);
    }
  }
}

export function checkCount(operation: string, labels: ArrayLike<number>, count: number): void {
  if (labels.length !== count) {
    throw new BatchError(operation, `expected ${count} labels, got ${labels.length}`);
  }
}

/** How many labels are not below 0. */
export function countScored(labels: Int32Array): number {
  let count = 0;
  for (const label of labels) if (label >= 0) count++;
  return count;
}
