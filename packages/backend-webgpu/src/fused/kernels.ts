/** The fused kernels of this backend. All compute in f32. */
import type { BasicFusedImplementations } from "@modernbert-ts/tensor-core";
import { glu } from "./glu.ts";
import { int8Linear } from "./int8-linear.ts";
import { layerNorm, residualLayerNorm } from "./layer-norm.ts";
import { linear } from "./linear.ts";
import { linearCrossEntropy } from "./linear-cross-entropy.ts";
import { rope } from "./rope.ts";
import { stableAdamW } from "./stable-adamw.ts";
import type { Tools } from "./support.ts";
import { varlenAttention } from "./varlen-attention.ts";

/** The type makes a composite without a kernel fail to compile. */
export function fusedKernels(tools: Tools): BasicFusedImplementations {
  return {
    layerNorm: layerNorm(tools),
    residualLayerNorm: residualLayerNorm(tools),
    glu: glu(tools),
    rope: rope(tools),
    varlenAttention: varlenAttention(tools),
    linearCrossEntropy: linearCrossEntropy(tools),
    linear: linear(tools),
    int8Linear: int8Linear(tools),
    stableAdamW: stableAdamW(tools),
  };
}
