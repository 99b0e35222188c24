/** Fused kernels of the CUDA backend, a file each. */
import type { FusedImplementations } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { mlp } from "./mlp.ts";

/** @param architecture The device's: 10 · major + minor. */
export function fusedKernels(commands: CudaCommands, architecture: number): Partial<FusedImplementations> {
  return {
    mlp: mlp(commands, architecture),
  };
}
