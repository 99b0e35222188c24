/** The names of the native operations: those of `native/engine/operations.h`, resolved to numbers when the library is loaded. */
import { primitiveOperations } from "@modernbert-ts/device-kit";
import type { CommandEncoder, PrimitiveOperation } from "@modernbert-ts/device-kit";

/** Those of primitives in other forms, and of the fused kernels. */
const ownOperations = [
  "attention_forward",
  "attention_backward",
  "put_along_sorted",
  "reduce_in_parts",
  "entropy_rows",
  "scale_gradient",
  "stable_adamw",
  "global_norm",
  "int8_linear",
  "layer_norm_forward",
  "layer_norm_backward",
  "glu_forward",
  "glu_backward",
  "rope",
  "linear",
  "column_sums",
  "glu_product",
  "glu_product_backward",
] as const;

export type CudaOperation = PrimitiveOperation | (typeof ownOperations)[number];

export const cudaOperations: readonly CudaOperation[] = [...primitiveOperations, ...ownOperations];

/** Queues native operations. */
export type CudaCommands = CommandEncoder<CudaOperation>;
