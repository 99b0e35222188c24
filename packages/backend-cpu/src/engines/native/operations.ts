/** The names of the native operations: those of `c/base/operations.h`, resolved to numbers when the library is loaded. */
import { primitiveOperations } from "@modernbert-ts/device-kit";
import type { CommandEncoder, PrimitiveOperation } from "@modernbert-ts/device-kit";

/** Those of the fused kernels. */
const fusedOperations = [
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
  "int4_linear",
] as const;

export type NativeOperation = PrimitiveOperation | (typeof fusedOperations)[number];

export const nativeOperations: readonly NativeOperation[] = [...primitiveOperations, ...fusedOperations];

/** Queues native operations. */
export type NativeCommands = CommandEncoder<NativeOperation>;
