/**
 * `ModernBertConfig` to config.json. Form "v5" has `layer_types` and `rope_parameters` (transformers 5), "v4" the flat keys of
 * the published checkpoints (transformers 4.48 on, read by 5 too), "both" the v5 form with the flat keys beside it where they
 * can say the same: transformers 4 and 5 then read the same model.
 */
import { activationNames, classifierToJSON, ConfigError, decisionToJSON, maskedLmToJSON } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";
import type { LayerKind, ModernBertConfig, RopeSettings } from "./config.ts";
import { layerTypes } from "./parse-rope.ts";

export type ConfigForm = "v4" | "v5" | "both";

export interface ConfigJsonOptions {
  /** Default "both". */
  readonly form?: ConfigForm;
}

/** @throws ConfigError when form "v4" cannot express the layer pattern or the rope types. */
export function configToJSON(config: ModernBertConfig, { form = "both" }: ConfigJsonOptions = {}): JsonObject {
  const flat = form === "v5" ? undefined : flatKeys(config);
  if (form === "v4" && flat === undefined) {
    throw new ConfigError(
      "configToJSON",
      "expected a global layer every n layers and default rope for form v4, got another pattern: use form v5",
    );
  }
  const { tokens, dropout } = config;
  return {
    model_type: "modernbert",
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers.length,
    num_attention_heads: config.numHeads,
    max_position_embeddings: config.maxPositionEmbeddings,
    local_attention: config.window * 2 || 1,
    ...flat,
    ...(form === "v4" ? {} : layeredKeys(config)),
    norm_eps: config.normEps,
    norm_bias: config.normBias,
    attention_bias: config.attentionBias,
    mlp_bias: config.mlpBias,
    hidden_activation: activationNames[config.hiddenActivation],
    ...maskedLmToJSON(config),
    classifier_bias: config.classifierBias,
    classifier_activation: activationNames[config.classifierActivation],
    ...classifierToJSON(config),
    ...decisionToJSON(config),
    embedding_dropout: dropout.embedding,
    attention_dropout: dropout.attention,
    ...(dropout.attentionOutput === dropout.attention ? {} : { attn_out_dropout_prob: dropout.attentionOutput }),
    mlp_dropout: dropout.mlp,
    classifier_dropout: dropout.classifier,
    initializer_range: config.initializerRange,
    initializer_cutoff_factor: config.initializerCutoffFactor,
    bos_token_id: tokens.bos,
    cls_token_id: tokens.cls,
    eos_token_id: tokens.eos,
    sep_token_id: tokens.sep,
    pad_token_id: tokens.pad,
  };
}

/** The v4 keys, or undefined where they cannot describe the model. */
function flatKeys({ layers, rope }: ModernBertConfig): JsonObject | undefined {
  const every = globalEvery(layers);
  if (every === undefined || rope.global.type !== "default" || rope.local.type !== "default") return undefined;
  return {
    global_attn_every_n_layers: every,
    global_rope_theta: rope.global.theta,
    local_rope_theta: rope.local.theta,
  };
}

/** The n for which layer l is global exactly where n divides l. */
function globalEvery(layers: readonly LayerKind[]): number | undefined {
  if (layers[0] !== "global") return undefined;
  const second = layers.indexOf("global", 1);
  const every = second === -1 ? Math.max(3, layers.length) : second;
  return layers.every((kind, layer) => (kind === "global") === (layer % every === 0)) ? every : undefined;
}

function layeredKeys({ layers, rope }: ModernBertConfig): JsonObject {
  return {
    layer_types: layers.map((kind) => layerTypes[kind]),
    rope_parameters: {
      [layerTypes.global]: ropeToJSON(rope.global),
      [layerTypes.local]: ropeToJSON(rope.local),
    },
  };
}

function ropeToJSON(rope: RopeSettings): JsonObject {
  const common = { rope_type: rope.type, rope_theta: rope.theta };
  switch (rope.type) {
    case "default":
      return common;
    case "linear":
      return { ...common, factor: rope.factor };
    case "yarn":
      return {
        ...common,
        factor: rope.factor,
        original_max_position_embeddings: rope.originalMaxPositionEmbeddings,
        beta_fast: rope.betaFast,
        beta_slow: rope.betaSlow,
        attention_factor: rope.attentionFactor,
      };
    default:
      throw new Error(`internal: unknown rope ${String(rope satisfies never)}`);
  }
}

/** Keys whose values Python must read as floats. */
export const floatFields: readonly string[] = [
  "norm_eps",
  "initializer_range",
  "initializer_cutoff_factor",
  "rope_theta",
  "global_rope_theta",
  "local_rope_theta",
  "factor",
  "attention_factor",
  "beta_fast",
  "beta_slow",
  "embedding_dropout",
  "attention_dropout",
  "attn_out_dropout_prob",
  "mlp_dropout",
  "classifier_dropout",
];
