/** The composites that the WebAssembly engine fuses: all that compute in f32. The others run from primitives. */
import type { FusedImplementations } from "@modernbert-ts/tensor-core";
import type { WasmContext } from "../context.ts";
import { glu } from "./glu.ts";
import { layerNorms } from "./layer-norm.ts";
import { linearCrossEntropy } from "./linear-cross-entropy.ts";
import { rope } from "./rope.ts";
import { stableAdamW } from "./stable-adamw.ts";
import { varlenAttention } from "./varlen-attention.ts";

export function fusedKernels(context: WasmContext): Partial<FusedImplementations> {
  return {
    ...layerNorms(context),
    glu: glu(context),
    rope: rope(context),
    varlenAttention: varlenAttention(context),
    linearCrossEntropy: linearCrossEntropy(context),
    stableAdamW: stableAdamW(context),
  };
}
