/** The names of the native operations: those of `native/engine/operations.h`, resolved to numbers when the library is loaded. */
import { primitiveOperations } from "@modernbert-ts/device-kit";
import type { CommandEncoder, PrimitiveOperation } from "@modernbert-ts/device-kit";

/** Those of the fused kernels. */
const fusedOperations = ["glu_product", "glu_product_backward"] as const;

export type CudaOperation = PrimitiveOperation | (typeof fusedOperations)[number];

export const cudaOperations: readonly CudaOperation[] = [...primitiveOperations, ...fusedOperations];

/** Queues native operations. */
export type CudaCommands = CommandEncoder<CudaOperation>;
