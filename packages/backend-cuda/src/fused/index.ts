/** Fused kernels of the CUDA backend, a file each. */
import type { FusedImplementations } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { varlenAttention } from "./varlen-attention.ts";

export function fusedKernels(commands: CudaCommands): Partial<FusedImplementations> {
  return { varlenAttention: varlenAttention(commands) };
}
