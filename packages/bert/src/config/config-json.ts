/** `BertConfig` to config.json, as transformers reads and writes it. */
import { activationNames, classifierToJSON } from "@modernbert-ts/encoder";
import type { JsonObject } from "@modernbert-ts/encoder";
import type { BertConfig } from "./config.ts";

export function configToJSON(config: BertConfig): JsonObject {
  const { classifier_pooling: _, ...classifier } = classifierToJSON(config);
  return {
    model_type: "bert",
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.numLayers,
    num_attention_heads: config.numHeads,
    intermediate_size: config.intermediateSize,
    hidden_act: activationNames[config.hiddenActivation],
    hidden_dropout_prob: config.dropout.hidden,
    attention_probs_dropout_prob: config.dropout.attention,
    classifier_dropout: config.dropout.classifier,
    max_position_embeddings: config.maxPositionEmbeddings,
    type_vocab_size: config.typeVocabSize,
    initializer_range: config.initializerRange,
    layer_norm_eps: config.normEps,
    pad_token_id: config.padTokenId,
    tie_word_embeddings: true,
    ...classifier,
  };
}

/** Keys whose values Python must read as floats. */
export const floatFields: readonly string[] = [
  "hidden_dropout_prob",
  "attention_probs_dropout_prob",
  "classifier_dropout",
  "initializer_range",
  "layer_norm_eps",
];
