/**
 * config.json to `ModernBertConfig`. Accepts what transformers 4 (flat keys) and transformers 5 (`layer_types`,
 * `rope_parameters`) write, with the defaults of `ModernBertConfig` there; refuses what cannot be run, by the field's name.
 */
import {
  activations,
  ConfigError,
  fail,
  isJsonObject,
  JsonFields,
  parseClassifier,
  parseDecision,
  parseMaskedLm,
} from "@modernbert-ts/encoder";
import type { SpecialTokenIds } from "@modernbert-ts/encoder";
import type { LayerKind, ModernBertConfig } from "./config.ts";
import { layerTypes, parseRope } from "./parse-rope.ts";

/** More layers than anybody trains; a typing error must not allocate millions. */
const mostLayers = 1024;
/** Of half a window: the whole must be a size that config.json can hold. */
const mostWindow = 2 ** 30 - 1;

/** @throws ConfigError, one line that names the field. */
export function parseConfig(json: unknown): ModernBertConfig {
  if (!isJsonObject(json)) fail("config.json", "an object", json);
  const fields = new JsonFields(json);
  if (fields.raw("model_type") !== "modernbert")
    fields.fail("model_type", '"modernbert" (no other model is implemented)');

  const hiddenSize = fields.integer("hidden_size", 768);
  const numHeads = fields.integer("num_attention_heads", 12);
  if (hiddenSize % numHeads !== 0 || (hiddenSize / numHeads) % 2 !== 0) {
    throw new ConfigError(
      "config",
      `expected hidden_size to be an even multiple of num_attention_heads, got ${hiddenSize} and ${numHeads}`,
    );
  }
  const vocabSize = fields.integer("vocab_size", 50_368);
  const maxPositionEmbeddings = fields.integer("max_position_embeddings", 8192);
  const attentionDropout = fields.rate("attention_dropout", 0);
  return {
    vocabSize,
    hiddenSize,
    intermediateSize: fields.integer("intermediate_size", 1152),
    numHeads,
    layers: parseLayers(fields),
    rope: parseRope(fields, maxPositionEmbeddings),
    window: parseWindow(fields),
    maxPositionEmbeddings,
    normEps: fields.above("norm_eps", 1e-5, 0),
    normBias: fields.boolean("norm_bias", false),
    attentionBias: fields.boolean("attention_bias", false),
    mlpBias: fields.boolean("mlp_bias", false),
    hiddenActivation: fields.choice("hidden_activation", "gelu", activations),
    ...parseMaskedLm(fields),
    ...parseClassifier(fields),
    ...parseDecision(fields),
    classifierBias: fields.boolean("classifier_bias", false),
    classifierActivation: fields.choice("classifier_activation", "gelu", activations),
    dropout: {
      embedding: fields.rate("embedding_dropout", 0),
      attention: attentionDropout,
      attentionOutput: fields.rate("attn_out_dropout_prob", attentionDropout),
      mlp: fields.rate("mlp_dropout", 0),
      classifier: fields.rate("classifier_dropout", 0),
    },
    initializerRange: fields.above("initializer_range", 0.02, 0),
    initializerCutoffFactor:
      fields.raw("initializer_cutoff_factor") === null ? 3 : fields.above("initializer_cutoff_factor", 2, 0),
    tokens: parseTokens(fields, vocabSize),
  };
}

/**
 * Half of `local_attention`, the width of the window. transformers 5 also takes the half itself, as `sliding_window`, and lets it win;
 * beside a width of which it is not the half, one of the two is a mistake.
 */
function parseWindow(fields: JsonFields): number {
  const half = Math.floor(fields.integer("local_attention", 128) / 2);
  if ((fields.raw("sliding_window") ?? null) === null) return half;
  const window = fields.integer("sliding_window", half, 0, mostWindow);
  if (fields.raw("local_attention") !== undefined && window !== half) {
    fields.fail("sliding_window", `${half} (half of local_attention) or absent`);
  }
  return window;
}

function parseLayers(fields: JsonFields): LayerKind[] {
  const count = fields.integer("num_hidden_layers", 22, 1, mostLayers);
  const types = fields.raw("layer_types") ?? null;
  if (types === null) {
    const every = fields.integer("global_attn_every_n_layers", 3);
    return Array.from({ length: count }, (_, layer) => (layer % every === 0 ? "global" : "local"));
  }
  if (!Array.isArray(types) || types.length !== count) fields.fail("layer_types", `a list of ${count} names`);
  return types.map((type: unknown, layer) => {
    if (type === layerTypes.global) return "global";
    if (type === layerTypes.local) return "local";
    return fail(`layer_types[${layer}]`, `${layerTypes.global} or ${layerTypes.local}`, type);
  });
}

function parseTokens(fields: JsonFields, vocabSize: number): SpecialTokenIds {
  const inside = (id: number): number | null => (id < vocabSize ? id : null);
  const pad = fields.tokenId("pad_token_id", inside(50_283));
  if (pad !== null && pad >= vocabSize) fields.fail("pad_token_id", `null or below vocab_size (${vocabSize})`);
  return {
    bos: fields.tokenId("bos_token_id", inside(50_281)),
    cls: fields.tokenId("cls_token_id", inside(50_281)),
    eos: Array.isArray(fields.raw("eos_token_id")) ? null : fields.tokenId("eos_token_id", inside(50_282)),
    sep: fields.tokenId("sep_token_id", inside(50_282)),
    pad,
  };
}
