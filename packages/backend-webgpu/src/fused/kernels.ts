/** The fused kernels of this backend. All compute in f32. */
import type { FusedImplementations } from "@modernbert-ts/tensor-core";
import { glu } from "./glu.ts";
import { layerNorm, residualLayerNorm } from "./layer-norm.ts";
import { linear } from "./linear.ts";
import { linearCrossEntropy } from "./linear-cross-entropy.ts";
import { rope } from "./rope.ts";
import { stableAdamW } from "./stable-adamw.ts";
import type { Tools } from "./support.ts";
import { varlenAttention } from "./varlen-attention.ts";

/** Not written yet: byte weights run from primitives here, which is counted. */
type Missing = "int8Linear";

/** The type makes any other composite without a kernel fail to compile. */
export function fusedKernels(tools: Tools): Omit<FusedImplementations, Missing> {
  return {
    layerNorm: layerNorm(tools),
    residualLayerNorm: residualLayerNorm(tools),
    glu: glu(tools),
    rope: rope(tools),
    varlenAttention: varlenAttention(tools),
    linearCrossEntropy: linearCrossEntropy(tools),
    linear: linear(tools),
    stableAdamW: stableAdamW(tools),
  };
}
