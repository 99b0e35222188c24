/** Fused kernels of the CUDA backend, a file each. */
import type { FusedImplementations } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { glu } from "./glu.ts";
import { layerNorm, residualLayerNorm } from "./layer-norm.ts";
import { linear } from "./linear.ts";
import { rope } from "./rope.ts";

export function fusedKernels(commands: CudaCommands): Partial<FusedImplementations> {
  return {
    layerNorm: layerNorm(commands),
    residualLayerNorm: residualLayerNorm(commands),
    glu: glu(commands),
    rope: rope(commands),
    linear: linear(commands),
  };
}
