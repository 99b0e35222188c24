/** Labels on the device: checked and counted on the host, uploaded once, so that a loss uploads nothing. */
import type { DType, Runtime, Shape, Tensor } from "@modernbert-ts/tensor-core";
import { BatchError } from "../errors.ts";

/** One class for each row. */
export interface DeviceLabels {
  /** i32 [rows, 1]; below 0 for rows that do not count. */
  readonly values: Tensor;
  /** How many rows count. */
  readonly count: number;
}

/** A number for each logit. */
export interface DeviceTargets {
  /** In the shape of the logits. */
  readonly targets: Tensor;
}

/** @throws BatchError unless there is one label for each row, all below `classes`. */
export function uploadLabels(
  runtime: Runtime,
  operation: string,
  labels: Int32Array,
  rows: number,
  classes: number,
): DeviceLabels {
  checkLabels(operation, labels, rows, classes);
  return { values: runtime.tensor(labels, [rows, 1], "i32"), count: countScored(labels) };
}

/** @throws BatchError unless there is a finite number for each element of `shape`. */
export function uploadTargets(
  runtime: Runtime,
  operation: string,
  values: ArrayLike<number>,
  shape: Shape,
  dtype: DType,
): DeviceTargets {
  const size = shape.reduce((product, extent) => product * extent, 1);
  checkCount(operation, values, size);
  const bad = Array.from(values).findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) throw new BatchError(operation, `expected finite labels, got ${values[bad]} at ${bad}`);
  return { targets: runtime.tensor(Array.from(values), shape, dtype) };
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
function countScored(labels: Int32Array): number {
  let count = 0;
  for (const label of labels) if (label >= 0) count++;
  return count;
}
