/** ModernBERT's config and the choices that it leaves nobody: config.json has them beside its fields. */
import { fail, isJsonObject, JsonFields } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";
import { configToJSON, parseConfig } from "@modernbert-ts/modernbert";
import type { ModernBertConfig } from "@modernbert-ts/modernbert";

export const modelType = "encoder_variant";

/** Biases and windows are ModernBERT's own fields: `norm_bias`, `attention_bias`, `mlp_bias`, `layer_types`. */
export interface VariantConfig extends ModernBertConfig {
  /** Rotary angles in attention, or a learned vector for each place, added to the token's. */
  readonly positions: "rope" | "learned";
  /** Of what goes into each block, with one at the end; or of each sum of the residual stream. */
  readonly normPlacement: "pre" | "post";
  /** The feed-forward part: a gated unit of twice `intermediateSize`, or an activation of `intermediateSize`. */
  readonly gated: boolean;
}

/** Fields are those of ModernBERT, `positions`, `norm_placement` and `gated`. @throws ConfigError, one line that names the field. */
export function parseVariant(json: unknown): VariantConfig {
  if (!isJsonObject(json)) fail("config.json", "an object", json);
  const fields = new JsonFields(json);
  if (fields.raw("model_type") !== modelType) fields.fail("model_type", JSON.stringify(modelType));
  return {
    ...parseConfig({ ...json, model_type: "modernbert" }),
    positions: fields.choice("positions", "rope", { rope: "rope", learned: "learned" } as const),
    normPlacement: fields.choice("norm_placement", "pre", { pre: "pre", post: "post" } as const),
    gated: fields.boolean("gated", true),
  };
}

export function variantToJSON(config: VariantConfig): JsonObject {
  const { positions, normPlacement, gated } = config;
  return { ...configToJSON(config), model_type: modelType, positions, norm_placement: normPlacement, gated };
}
