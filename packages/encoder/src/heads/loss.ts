/** What every loss returns, and the cross-entropy of small logits. Reduction as in transformers: a mean over what counts. */
import { logSumExp, map, scalar, scale, sumAll, takeAlong, TensorError, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { uploadLabels } from "./labels.ts";
import type { DeviceLabels } from "./labels.ts";

export interface LossOptions {
  /**
   * Divides the sum in place of `count`: with gradients accumulated over several batches, the count of all of them
   * (transformers' `num_items_in_batch`).
   */
  readonly numItems?: number;
}

export interface Loss {
  /** [1], lossSum / (numItems ?? count); 0 where nothing counts. The one to differentiate. */
  readonly loss: Tensor;
  /** [1] */
  readonly lossSum: Tensor;
  /** How many terms the sum has. */
  readonly count: number;
}

/** Completes a loss from its sum. @throws TensorError unless `numItems` is above 0. */
export function reduceLoss(lossSum: Tensor, count: number, { numItems }: LossOptions): Loss {
  if (numItems !== undefined && !(numItems > 0)) {
    throw new TensorError("loss", `expected numItems above 0, got ${numItems}`);
  }
  return { loss: scale(lossSum, 1 / (numItems ?? Math.max(count, 1))), lossSum, count };
}

const clamped = scalar.max(x(0), 0);
const term = scalar.select(scalar.lessEqual(0, x(2)), scalar.sub(x(0), x(1)), 0);

/** logits [N, C] and a label for each row → the cross-entropy of the rows that count. Host labels are checked and uploaded. */
export function crossEntropy(
  operation: string,
  logits: Tensor,
  labels: Int32Array | DeviceLabels,
  options: LossOptions,
): Loss {
  const { runtime } = logits;
  return runtime.scope(() => {
    const [rows, classes] = logits.shape as [number, number];
    const { values, count } =
      labels instanceof Int32Array ? uploadLabels(runtime, operation, labels, rows, classes) : labels;
    const picked = takeAlong(logits, map(clamped, [values]));
    return reduceLoss(sumAll(map(term, [logSumExp(logits), picked, values])), count, options);
  });
}
