/** The composites that the WebAssembly engine fuses: all, so that a missing one does not compile. */
import type { BasicFusedImplementations } from "@modernbert-ts/tensor-core";
import type { WasmContext } from "../context.ts";
import { glu } from "./glu.ts";
import { layerNorms } from "./layer-norm.ts";
import { linearCrossEntropy } from "./linear-cross-entropy.ts";
import { int8Linear, linear } from "./linear.ts";
import { rope } from "./rope.ts";
import { stableAdamW } from "./stable-adamw.ts";
import { varlenAttention } from "./varlen-attention.ts";

export function fusedKernels(context: WasmContext): BasicFusedImplementations {
  return {
    ...layerNorms(context),
    glu: glu(context),
    rope: rope(context),
    varlenAttention: varlenAttention(context),
    linearCrossEntropy: linearCrossEntropy(context),
    stableAdamW: stableAdamW(context),
    linear: linear(context),
    int8Linear: int8Linear(context),
  };
}
