/**
 * The composites that the TypeScript engine fuses: only those whose reference would take far more memory or time than they need.
 * The others cost little beside the matrix products and run from primitives.
 */
import type { FusedImplementations } from "@modernbert-ts/tensor-core";
import type { Resolve } from "../../engine.ts";
import { linearCrossEntropyKernel } from "./linear-cross-entropy.ts";
import { varlenAttentionKernel } from "./varlen-attention.ts";

export function fusedKernels(resolve: Resolve): Partial<FusedImplementations> {
  return { varlenAttention: varlenAttentionKernel(resolve), linearCrossEntropy: linearCrossEntropyKernel(resolve) };
}
