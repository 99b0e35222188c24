/** Names, shapes and roles of a model's parameters: the state dict of transformers' classes, weights as [out, in]. */
import { countValues, heads } from "@modernbert-ts/encoder";
import type { Head, ParameterRole, ParameterSpec, ParameterSpecs, SharedNames } from "@modernbert-ts/encoder";
import type { Shape } from "@modernbert-ts/tensor-core";
import type { ModernBertConfig } from "./config/config.ts";

export const names: SharedNames = {
  embedding: "model.embeddings.tok_embeddings.weight",
  decoder: "decoder.weight",
  decoderBias: "decoder.bias",
  classifier: "classifier",
  nextSentence: "next_sentence",
};

/**
 * Every parameter in the order of the state dict. The encoder's names start with `model.`; layer 0 has no `attn_norm`, and a
 * tied decoder has no weight of its own. Nothing is allocated. @throws ConfigError when the config does not fit the head.
 */
export function parameterSpecs(config: ModernBertConfig, head: Head): ParameterSpecs {
  const { hiddenSize: d, intermediateSize: i, vocabSize } = config;
  const specs = new Map<string, ParameterSpec>();
  const add = (name: string, role: ParameterRole, shape: Shape): void => {
    specs.set(name, { shape, role, head: !name.startsWith("model.") });
  };
  const linear = (name: string, role: ParameterRole, outputs: number, inputs: number, bias: boolean): void => {
    add(`${name}.weight`, role, [outputs, inputs]);
    if (bias) add(`${name}.bias`, "bias", [outputs]);
  };
  const norm = (name: string): void => {
    add(`${name}.weight`, "norm", [d]);
    if (config.normBias) add(`${name}.bias`, "bias", [d]);
  };

  const predictionTransform = (): void => {
    linear("head.dense", "transform", d, d, config.classifierBias);
    norm("head.norm");
  };

  add(names.embedding, "embedding", [vocabSize, d]);
  norm("model.embeddings.norm");
  for (let layer = 0; layer < config.layers.length; layer++) {
    const prefix = `model.layers.${layer}`;
    if (layer > 0) norm(`${prefix}.attn_norm`);
    linear(`${prefix}.attn.Wqkv`, "input-projection", 3 * d, d, config.attentionBias);
    linear(`${prefix}.attn.Wo`, "output-projection", d, d, config.attentionBias);
    norm(`${prefix}.mlp_norm`);
    linear(`${prefix}.mlp.Wi`, "input-projection", 2 * i, d, config.mlpBias);
    linear(`${prefix}.mlp.Wo`, "output-projection", d, i, config.mlpBias);
  }
  norm("model.final_norm");
  if (head === "none") return specs;
  if (head !== "decision") predictionTransform();
  for (const [name, spec] of heads[head].parameters(config, names)) specs.set(name, spec);
  return specs;
}

/** The shapes of `parameterSpecs`. */
export function parameterShapes(config: ModernBertConfig, head: Head): ReadonlyMap<string, Shape> {
  return new Map(Array.from(parameterSpecs(config, head), ([name, { shape }]) => [name, shape]));
}

/** Number of trainable values. */
export function countParameters(config: ModernBertConfig, head: Head): number {
  return countValues(parameterSpecs(config, head));
}
