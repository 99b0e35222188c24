/** Fused kernels of the CUDA backend, a file each: of all composites, so a missing one does not compile. */
import type { DeviceFusedImplementations } from "@modernbert-ts/tensor-core";
import type { CudaCommands } from "../operations.ts";
import { globalNorm } from "./global-norm.ts";
import { glu } from "./glu.ts";
import { int8Linear } from "./int8-linear.ts";
import { layerNorm, residualLayerNorm } from "./layer-norm.ts";
import { linearCrossEntropy } from "./linear-cross-entropy.ts";
import { linear } from "./linear.ts";
import { mlp } from "./mlp.ts";
import { rope } from "./rope.ts";
import { stableAdamW, stableAdamWAll } from "./stable-adamw.ts";
import { varlenAttention } from "./varlen-attention.ts";

/** @param architecture The device's: 10 · major + minor. */
export function fusedKernels(commands: CudaCommands, architecture: number): DeviceFusedImplementations {
  return {
    layerNorm: layerNorm(commands),
    residualLayerNorm: residualLayerNorm(commands),
    glu: glu(commands),
    rope: rope(commands),
    linear: linear(commands),
    mlp: mlp(commands, architecture),
    varlenAttention: varlenAttention(commands),
    linearCrossEntropy: linearCrossEntropy(commands),
    stableAdamW: stableAdamW(commands),
    stableAdamWAll: stableAdamWAll(commands),
    globalNorm: globalNorm(commands),
    int8Linear: int8Linear(commands),
  };
}
