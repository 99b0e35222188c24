/** The embedding rows of a batch's tokens. */
import { cast, gather, map, reshape, scalar, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { DeviceBatch } from "./batch/device-batch.ts";
import type { Encoder } from "./encoder.ts";

/**
 * [T, d] in the dtype of statistics. As with torch's `padding_idx`, the row of [PAD] learns nothing from being looked up; that costs
 * nothing where no token is [PAD].
 */
export function gatherTokens(model: Encoder, { ids, host }: DeviceBatch): Tensor {
  const { runtime, precision, info } = model;
  const rows = cast(gather(model.parameter(model.names.embedding), ids), precision.reduce);
  const { pad } = info.tokens;
  if (pad === null || !runtime.tape || !host.ids.includes(pad)) return rows;
  const isPad = map(scalar.equal(x(0), pad), [reshape(ids, [ids.size, 1])], rows.dtype);
  return map(scalar.select(x(0), x(1), x(2)), [isPad, runtime.own(rows.alias()), rows]);
}
