/** One vector per sequence of the pack. */
import { cast, gather, mul, segmentSum } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { PackedBatch } from "../batch.ts";
import type { Pooling } from "../config/config.ts";
import { BatchError } from "../errors.ts";

/** hidden [T, d] → [N, d]: the first token of each sequence, or the mean over its tokens (f32 at least). */
export function pool(hidden: Tensor, batch: PackedBatch, pooling: Pooling): Tensor {
  const { runtime } = hidden;
  const sequences = batch.cuSeqlens.length - 1;
  if (hidden.shape[0] !== batch.ids.length) {
    throw new BatchError("pool", `expected hidden states of ${batch.ids.length} tokens, got ${hidden.shape[0]}`);
  }
  return runtime.scope(() => {
    switch (pooling) {
      case "cls":
        return gather(hidden, runtime.tensor(batch.cuSeqlens.subarray(0, sequences), [sequences], "i32"));
      case "mean": {
        const owner = new Int32Array(batch.ids.length);
        const weights = Array.from({ length: sequences }, (_, n) => {
          const [start, end] = [batch.cuSeqlens[n]!, batch.cuSeqlens[n + 1]!];
          owner.fill(n, start, end);
          return 1 / (end - start);
        });
        const dtype = hidden.dtype === "f64" ? "f64" : "f32";
        const sums = segmentSum(cast(hidden, dtype), runtime.tensor(owner, [owner.length], "i32"), sequences);
        return mul(sums, runtime.tensor(weights, [sequences, 1], dtype));
      }
      default:
        throw new Error(`internal: unknown pooling ${String(pooling satisfies never)}`);
    }
  });
}
