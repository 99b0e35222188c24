/** The names of the native operations: those of `c/base/operations.h`, resolved to numbers when the library is loaded. */
import type { CommandEncoder } from "@modernbert-ts/device-kit";

export const nativeOperations = [
  "fill",
  "iota",
  "random_bits",
  "copy",
  "map",
  "reduce",
  "matmul",
  "gather",
  "segment_sum",
  "take_along",
  "put_along",
  "layer_norm_forward",
  "layer_norm_backward",
  "glu_forward",
  "glu_backward",
  "rope",
  "attention_forward",
  "attention_backward",
  "cross_entropy_forward",
  "cross_entropy_backward",
  "stable_adamw",
  "linear",
  "int8_linear",
] as const;

export type NativeOperation = (typeof nativeOperations)[number];

/** Queues native operations. */
export type NativeCommands = CommandEncoder<NativeOperation>;
