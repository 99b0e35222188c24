/** Fused kernels of the native engine: all basic composites, so a missing one does not compile. */
import type { BasicFusedImplementations, FusedImplementations, HostCompositeName } from "@modernbert-ts/tensor-core";
import type { InstructionSet } from "../library.ts";
import type { NativeCommands } from "../operations.ts";
import { glu } from "./glu.ts";
import { layerNorm, residualLayerNorm } from "./layer-norm.ts";
import { linearCrossEntropy } from "./linear-cross-entropy.ts";
import { int4Linear, int8Linear, linear } from "./linear.ts";
import { rope } from "./rope.ts";
import { stableAdamW } from "./stable-adamw.ts";
import { varlenAttention } from "./varlen-attention.ts";

export function fusedKernels(
  commands: NativeCommands,
  instructionSet: InstructionSet,
): BasicFusedImplementations & Pick<FusedImplementations, HostCompositeName> {
  return {
    layerNorm: layerNorm(commands),
    residualLayerNorm: residualLayerNorm(commands),
    glu: glu(commands),
    rope: rope(commands),
    varlenAttention: varlenAttention(commands),
    linearCrossEntropy: linearCrossEntropy(commands, instructionSet),
    stableAdamW: stableAdamW(commands),
    linear: linear(commands),
    int8Linear: int8Linear(commands),
    int4Linear: int4Linear(commands),
  };
}
