/** Fused kernels of the CUDA backend, a file each. */
import type { FusedImplementations } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";

export function fusedKernels(_commands: CudaCommands): Partial<FusedImplementations> {
  return {};
}
