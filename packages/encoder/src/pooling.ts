/** One vector per sequence of the pack. */
import { cast, gather, map, mul, reshape, scalar, segmentSum, slice, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { DeviceBatch } from "./batch/device-batch.ts";
import { BatchError } from "./errors.ts";
import type { Pooling } from "./info.ts";

const inverseLength = scalar.div(1, scalar.sub(x(1), x(0)));

/**
 * hidden [T, d] → [N, d]: the first token of each sequence, or the mean over its tokens (f32 at least).
 * @throws BatchError unless `hidden` has a row for each token of the batch.
 */
export function pool(hidden: Tensor, batch: DeviceBatch, pooling: Pooling): Tensor {
  const { host, cuSeqlens } = batch;
  const sequences = host.cuSeqlens.length - 1;
  if (hidden.shape[0] !== host.ids.length) {
    throw new BatchError("pool", `expected hidden states of ${host.ids.length} tokens, got ${hidden.shape[0]}`);
  }
  return hidden.runtime.scope(() => {
    const starts = slice(cuSeqlens, 0, 0, sequences);
    switch (pooling) {
      case "cls":
        return gather(hidden, starts);
      case "mean": {
        const dtype = hidden.dtype === "f64" ? "f64" : "f32";
        const ends = slice(cuSeqlens, 0, 1, sequences + 1);
        const weights = reshape(map(inverseLength, [starts, ends], dtype), [sequences, 1]);
        return mul(segmentSum(cast(hidden, dtype), batch.sequences, sequences), weights);
      }
      default:
        throw new Error(`internal: unknown pooling ${String(pooling satisfies never)}`);
    }
  });
}
