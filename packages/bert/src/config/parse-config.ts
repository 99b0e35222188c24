/** config.json to `BertConfig`, with the defaults of transformers' `BertConfig`; what cannot be run is refused by the field's name. */
import { activations, ConfigError, fail, isJsonObject, JsonFields, parseClassifier } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";
import type { BertConfig } from "./config.ts";

/** More layers than anybody trains; a typing error must not allocate millions. */
const mostLayers = 1024;

/** @throws ConfigError, one line that names the field. */
export function parseConfig(json: unknown): BertConfig {
  if (!isJsonObject(json)) fail("config.json", "an object", json);
  const fields = new JsonFields(json);
  if (fields.raw("model_type") !== "bert") fields.fail("model_type", '"bert"');
  refuseOthers(fields);
  const hiddenSize = fields.integer("hidden_size", 768);
  const numHeads = fields.integer("num_attention_heads", 12);
  if (hiddenSize % numHeads !== 0) {
    throw new ConfigError(
      "config",
      `expected hidden_size to be a multiple of num_attention_heads, got ${hiddenSize} and ${numHeads}`,
    );
  }
  const vocabSize = fields.integer("vocab_size", 30_522);
  const padTokenId = fields.tokenId("pad_token_id", 0);
  if (padTokenId !== null && padTokenId >= vocabSize) {
    fields.fail("pad_token_id", `null or below vocab_size (${vocabSize})`);
  }
  const hiddenDropout = fields.rate("hidden_dropout_prob", 0.1);
  const ownDropout = (fields.raw("classifier_dropout") ?? null) !== null;
  return {
    vocabSize,
    hiddenSize,
    numLayers: fields.integer("num_hidden_layers", 12, 1, mostLayers),
    numHeads,
    intermediateSize: fields.integer("intermediate_size", 3072),
    maxPositionEmbeddings: fields.integer("max_position_embeddings", 512),
    typeVocabSize: fields.integer("type_vocab_size", 2),
    normEps: fields.above("layer_norm_eps", 1e-12, 0),
    hiddenActivation: fields.choice("hidden_act", "gelu", activations),
    initializerRange: fields.above("initializer_range", 0.02, 0),
    padTokenId,
    tieWordEmbeddings: true,
    decoderBias: true,
    sparsePrediction: false,
    sparsePredictionIgnoreIndex: -100,
    ...parseClassifier(fields),
    dropout: {
      hidden: hiddenDropout,
      attention: fields.rate("attention_probs_dropout_prob", 0.1),
      classifier: ownDropout ? fields.rate("classifier_dropout", 0) : hiddenDropout,
    },
  };
}

/** Relatives of BERT under the same `model_type` that compute something else. */
function refuseOthers(fields: JsonFields): void {
  fields.choice("position_embedding_type", "absolute", { absolute: "absolute" });
  fields.choice("classifier_pooling", "cls", { cls: "cls" });
  for (const name of ["is_decoder", "add_cross_attention"]) {
    if (fields.boolean(name, false)) fields.fail(name, "false or absent (only encoders are implemented)");
  }
  if (!fields.boolean("tie_word_embeddings", true)) {
    fields.fail("tie_word_embeddings", "true or absent (no other decoder is implemented)");
  }
  const pruned = fields.object("pruned_heads");
  if (Object.values(pruned).some((heads) => !Array.isArray(heads) || heads.length > 0)) {
    fields.fail("pruned_heads", "empty or absent");
  }
}

/** A config from the keys of config.json; what is not given has the default of transformers. @throws ConfigError on impossible values. */
export function createConfig(fields: JsonObject): BertConfig {
  return parseConfig({ model_type: "bert", ...fields });
}
