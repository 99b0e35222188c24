/** Logits of a pack, brought to the host. */
import type { DeviceBatch, Encoder, PackedBatch } from "@modernbert-ts/encoder";
import { cast } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { requireFinite } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";

/** `head` of a pack's hidden states [T, d], in f32. @throws TensorError where a value is NaN or infinite. */
export async function readLogits(
  operation: string,
  { model }: TextModel,
  pack: PackedBatch,
  head: (model: Encoder, hidden: Tensor, batch: DeviceBatch) => Tensor,
): Promise<Float32Array> {
  const logits = model.run(pack, (hidden, batch) => cast(head(model, hidden, batch), "f32"));
  try {
    return requireFinite(operation, (await logits.read()) as Float32Array);
  } finally {
    logits.dispose();
  }
}
