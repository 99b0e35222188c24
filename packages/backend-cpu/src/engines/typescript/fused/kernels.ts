/**
 * The composites that the TypeScript engine fuses: only those whose reference would take far more memory or time than they need.
 * The others cost little beside the matrix products and run from primitives.
 */
import type { CompositeName, FusedImplementations, FusedKernel, View } from "@modernbert-ts/tensor-core";
import type { Operand } from "../operand.ts";
import { linearCrossEntropyKernel } from "./linear-cross-entropy.ts";
import { varlenAttentionKernel } from "./varlen-attention.ts";

/** @param attempt runs a kernel and keeps the error of a bad value for later. */
export function fusedKernels(
  resolve: (view: View) => Operand,
  attempt: (kernel: () => void) => void,
): Partial<FusedImplementations> {
  return {
    varlenAttention: guarded(varlenAttentionKernel(resolve), attempt),
    linearCrossEntropy: guarded(linearCrossEntropyKernel(resolve), attempt),
  };
}

function guarded<K extends CompositeName>(
  kernel: FusedKernel<K>,
  attempt: (kernel: () => void) => void,
): FusedKernel<K> {
  const { backward } = kernel;
  return {
    ...kernel,
    forward: (call) => attempt(() => kernel.forward(call)),
    backward: typeof backward === "function" ? (call) => attempt(() => backward(call)) : backward,
  };
}
