/** All composites. A name without a definition does not compile. */
import type { CompositeName } from "../backend/fused.ts";
import type { CompositeDefinition } from "./definition.ts";
import { globalNormDefinition } from "./global-norm.ts";
import { gluDefinition } from "./glu.ts";
import { int4LinearDefinition } from "./int4-linear.ts";
import { int8LinearDefinition } from "./int8-linear.ts";
import { layerNormDefinition, residualLayerNormDefinition } from "./layer-norm.ts";
import { linearDefinition } from "./linear.ts";
import { linearCrossEntropyDefinition } from "./linear-cross-entropy.ts";
import { mlpDefinition } from "./mlp.ts";
import { ropeDefinition } from "./rope.ts";
import { stableAdamWDefinition } from "./stable-adamw.ts";
import { stableAdamWAllDefinition } from "./stable-adamw-all.ts";
import { varlenAttentionDefinition } from "./varlen-attention.ts";

export const compositeDefinitions: { readonly [K in CompositeName]: CompositeDefinition<K> } = {
  layerNorm: layerNormDefinition,
  residualLayerNorm: residualLayerNormDefinition,
  glu: gluDefinition,
  rope: ropeDefinition,
  mlp: mlpDefinition,
  varlenAttention: varlenAttentionDefinition,
  linearCrossEntropy: linearCrossEntropyDefinition,
  stableAdamW: stableAdamWDefinition,
  stableAdamWAll: stableAdamWAllDefinition,
  globalNorm: globalNormDefinition,
  linear: linearDefinition,
  int8Linear: int8LinearDefinition,
  int4Linear: int4LinearDefinition,
};
