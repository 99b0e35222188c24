/** Losses of the scores of lists of documents, each a sum. */
import { concat, full, gather, logSumExp, map, reshape, scalar, sumAll, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";

export const rerankingLosses = ["bce", "listwise"] as const;

/** Small enough that its exponential is 0 in every dtype, and finite: not every device has infinities. */
const never = -1e30;

/**
 * −Σ share log softmax(scores) over the documents of each list (ListNet's top one): shares are labels divided by their sum.
 * @param scores [N, 1]; `places` i32 [E, C] of each list's scores, N behind its end; `shares` [E, C], 0 there.
 */
export function listwiseLoss(scores: Tensor, places: Tensor, shares: Tensor): Tensor {
  const { runtime, dtype } = scores;
  return runtime.scope(() => {
    const padded = concat([scores, full(runtime, [1, 1], never, dtype)], 0);
    const lists = reshape(gather(padded, places), places.shape);
    return sumAll(map(surprise, [logSumExp(lists), lists, shares]));
  });
}

const surprise = scalar.select(scalar.less(0, x(2)), scalar.mul(x(2), scalar.sub(x(0), x(1))), 0);
