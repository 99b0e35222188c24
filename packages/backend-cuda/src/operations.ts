/** The names of the native operations: those of `native/engine/operations.h`, resolved to numbers when a library is loaded. */
import type { CommandEncoder } from "@modernbert-ts/device-kit";

export const cudaOperations = [
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
] as const;

export type CudaOperation = (typeof cudaOperations)[number];

/** Queues native operations. */
export type CudaCommands = CommandEncoder<CudaOperation>;
