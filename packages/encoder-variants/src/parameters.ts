/** Names, shapes and roles: ModernBERT's, but for what a choice adds or takes away. */
import type { Head, ParameterSpec, ParameterSpecs } from "@modernbert-ts/encoder";
import { modernbertKind } from "@modernbert-ts/modernbert";
import type { VariantConfig } from "./config.ts";

export const positionEmbeddings = "model.embeddings.position_embeddings.weight";

/** The norm after attention is called `mlp_norm` in front of the feed-forward part and `attn_norm` behind its sum. */
export const layerNorms = (layer: number): { readonly attention: string; readonly mlp: string } => ({
  attention: `model.layers.${layer}.attn_norm`,
  mlp: `model.layers.${layer}.mlp_norm`,
});
export const finalNorm = "model.final_norm";

/** @throws ConfigError when the config does not fit the head. */
export function parameterSpecs(config: VariantConfig, head: Head): ParameterSpecs {
  const { hiddenSize: d, intermediateSize, positions, normPlacement, gated, normBias } = config;
  const specs = new Map<string, ParameterSpec>();
  const first = layerNorms(0).attention;
  for (const [name, spec] of modernbertKind.parameters(config, head)) {
    if (normPlacement === "post" && name.startsWith(finalNorm)) continue;
    if (normPlacement === "post" && name === "model.layers.0.attn.Wqkv.weight") {
      specs.set(`${first}.weight`, { shape: [d], role: "norm", head: false });
      if (normBias) specs.set(`${first}.bias`, { shape: [d], role: "bias", head: false });
    }
    const half = !gated && /\.mlp\.Wi\.(weight|bias)$/.test(name);
    specs.set(name, half ? { ...spec, shape: [intermediateSize, ...spec.shape.slice(1)] } : spec);
    if (positions === "learned" && name === modernbertKind.names(head).embedding)
      specs.set(positionEmbeddings, { ...spec, shape: [config.maxPositionEmbeddings, d] });
  }
  return specs;
}
