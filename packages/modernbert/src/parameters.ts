/** Names and shapes of a model's parameters: the state dict of transformers' classes, weights as [out, in]. */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { Shape } from "@modernbert-ts/tensor-core";
import type { Head, ModernBertConfig } from "./config/config.ts";
import { ConfigError } from "./errors.ts";

export const embeddingName = "model.embeddings.tok_embeddings.weight";
export const decoderName = "decoder.weight";

/** Width of the classifier; 0 for heads without one. */
function classifierWidth(config: ModernBertConfig, head: Head): number {
  switch (head) {
    case "none":
    case "masked-lm":
      return 0;
    case "multiple-choice":
      return 1;
    case "question-answering":
      if (config.labels.length !== 2) {
        throw new ConfigError("question-answering", `expected 2 labels (start and end), got ${config.labels.length}`);
      }
      return 2;
    case "sequence-classification":
    case "token-classification":
      return config.labels.length;
    default:
      throw new Error(`internal: unknown head ${String(head satisfies never)}`);
  }
}

/**
 * Every parameter in the order of the state dict. The encoder's names start with `model.`; layer 0 has no `attn_norm`, and a
 * tied decoder has no weight of its own. Nothing is allocated.
 */
export function parameterShapes(config: ModernBertConfig, head: Head): ReadonlyMap<string, Shape> {
  const { hiddenSize: d, intermediateSize: i, vocabSize: v } = config;
  const shapes = new Map<string, Shape>();
  const linear = (name: string, outputs: number, inputs: number, bias: boolean): void => {
    shapes.set(`${name}.weight`, [outputs, inputs]);
    if (bias) shapes.set(`${name}.bias`, [outputs]);
  };
  const norm = (name: string): void => {
    shapes.set(`${name}.weight`, [d]);
    if (config.normBias) shapes.set(`${name}.bias`, [d]);
  };

  shapes.set(embeddingName, [v, d]);
  norm("model.embeddings.norm");
  for (let layer = 0; layer < config.layers.length; layer++) {
    const prefix = `model.layers.${layer}`;
    if (layer > 0) norm(`${prefix}.attn_norm`);
    linear(`${prefix}.attn.Wqkv`, 3 * d, d, config.attentionBias);
    linear(`${prefix}.attn.Wo`, d, d, config.attentionBias);
    norm(`${prefix}.mlp_norm`);
    linear(`${prefix}.mlp.Wi`, 2 * i, d, config.mlpBias);
    linear(`${prefix}.mlp.Wo`, d, i, config.mlpBias);
  }
  norm("model.final_norm");
  if (head === "none") return shapes;

  linear("head.dense", d, d, config.classifierBias);
  norm("head.norm");
  if (head === "masked-lm") {
    if (!config.tieWordEmbeddings) shapes.set(decoderName, [v, d]);
    if (config.decoderBias) shapes.set("decoder.bias", [v]);
  } else {
    linear("classifier", classifierWidth(config, head), d, true);
  }
  return shapes;
}

/** Number of trainable values. */
export function countParameters(config: ModernBertConfig, head: Head): number {
  let count = 0;
  for (const shape of parameterShapes(config, head).values()) {
    count += sizeOf(shape);
  }
  return count;
}
