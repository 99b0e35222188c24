/** What lies between BERT and ModernBERT, in the trainer: ModernBERT's fields, and a switch for each choice. */
import { variantArchitecture } from "@modernbert-ts/encoder-variants";
import type { VariantConfig } from "@modernbert-ts/encoder-variants";
import type { ModelConfig } from "../config/model-section.ts";
import type { TrainedArchitecture } from "./architecture.ts";
import { trainedModernBert } from "./modernbert.ts";

const { presets, fields, create, configure, initial, trainedWith } = trainedModernBert;

export const trainedVariant: TrainedArchitecture<VariantConfig> = {
  architecture: variantArchitecture,
  presets: { variant: { ...presets["17m"]!, positions: "rope", normPlacement: "pre", gated: true } },
  fields: [...fields, "positions", "norm_placement", "gated", "biases", "max_position_embeddings"],
  create: (model, shape, vocabulary) => withChoices(create(model, shape, vocabulary), model),
  configure: (stored, model) => ({ ...stored, ...configure(stored, model) }),
  trainedWith: (stored, model) => ({
    ...trainedWith!(stored, model),
    positions: stored.positions,
    norm_placement: stored.normPlacement,
    gated: stored.gated,
    biases: stored.normBias,
    max_position_embeddings: stored.maxPositionEmbeddings,
  }),
  initial: (model) => initial!(model),
};

function withChoices(config: ReturnType<typeof create>, model: ModelConfig): VariantConfig {
  const { positions = "rope", norm_placement: normPlacement = "pre", gated = true, biases = false } = model;
  return {
    ...config,
    positions,
    normPlacement,
    gated,
    normBias: biases,
    attentionBias: biases,
    mlpBias: biases,
    maxPositionEmbeddings: model.max_position_embeddings ?? config.maxPositionEmbeddings,
  };
}
