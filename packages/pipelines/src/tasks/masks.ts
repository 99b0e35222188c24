/** What tasks on masks share. */
import type { Encoder, PackedBatch } from "@modernbert-ts/encoder";
import { gather, TensorError } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { TextSide } from "./task.ts";

/** Rows of logits that are held at a time: 64 of 50,368 are 13 MB. */
export const rowsAtOnce = 64;

/** @throws TensorError where the tokenizer has no mask token. */
export function maskToken(operation: string, { tokenizer }: Pick<TextSide, "tokenizer">): number {
  const { mask } = tokenizer.specialTokens;
  if (mask === undefined) throw new TensorError(operation, "expected a tokenizer with a mask token, got one without");
  return mask;
}

/** Hidden states [M, d] at `positions` of a pack; the caller frees them. */
export function hiddenRows(model: Encoder, pack: PackedBatch, positions: Int32Array): Tensor {
  return model.run(pack, (hidden) => gather(hidden, model.runtime.tensor(positions, [positions.length], "i32")));
}
