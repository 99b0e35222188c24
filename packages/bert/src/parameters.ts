/** Names, shapes and roles of a BERT's parameters: the state dict of transformers' classes, weights as [out, in]. */
import { heads } from "@modernbert-ts/encoder";
import type { Head, ParameterRole, ParameterSpec, ParameterSpecs, SharedNames } from "@modernbert-ts/encoder";
import type { BertConfig } from "./config/config.ts";

export const embeddings = {
  word: "bert.embeddings.word_embeddings.weight",
  position: "bert.embeddings.position_embeddings.weight",
  type: "bert.embeddings.token_type_embeddings.weight",
  norm: "bert.embeddings.LayerNorm",
} as const;

export const pooler = "bert.pooler.dense";
export const transform = { dense: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm" };

export function names(head: Head): SharedNames {
  return {
    embedding: embeddings.word,
    decoder: "cls.predictions.decoder.weight",
    decoderBias: "cls.predictions.bias",
    classifier: head === "question-answering" ? "qa_outputs" : "classifier",
    nextSentence: "cls.seq_relationship",
  };
}

/** Heads whose decoder reads the transform, and those that read the pooler. */
export const predicts = (head: Head): boolean => head === "masked-lm" || head === "pretraining";
const pools = (head: Head): boolean =>
  head === "sequence-classification" ||
  head === "multiple-choice" ||
  head === "next-sentence" ||
  head === "pretraining";

/** The layers of one block, by what they do. */
export function layerNames(layer: number): {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly mix: string;
  readonly mixNorm: string;
  readonly up: string;
  readonly down: string;
  readonly outputNorm: string;
} {
  const prefix = `bert.encoder.layer.${layer}`;
  return {
    query: `${prefix}.attention.self.query`,
    key: `${prefix}.attention.self.key`,
    value: `${prefix}.attention.self.value`,
    mix: `${prefix}.attention.output.dense`,
    mixNorm: `${prefix}.attention.output.LayerNorm`,
    up: `${prefix}.intermediate.dense`,
    down: `${prefix}.output.dense`,
    outputNorm: `${prefix}.output.LayerNorm`,
  };
}

/** Every parameter in the order of the state dict. Nothing is allocated. @throws ConfigError when the config does not fit the head. */
export function parameterSpecs(config: BertConfig, head: Head): ParameterSpecs {
  const { hiddenSize: d, intermediateSize: i } = config;
  const specs = new Map<string, ParameterSpec>();
  const linear = (name: string, role: ParameterRole, outputs: number, inputs: number, ofHead = false): void => {
    specs.set(`${name}.weight`, { shape: [outputs, inputs], role, head: ofHead });
    specs.set(`${name}.bias`, { shape: [outputs], role: "bias", head: ofHead });
  };
  const norm = (name: string, ofHead = false): void => {
    specs.set(`${name}.weight`, { shape: [d], role: "norm", head: ofHead });
    specs.set(`${name}.bias`, { shape: [d], role: "bias", head: ofHead });
  };
  const table = (name: string, rows: number): void => {
    specs.set(name, { shape: [rows, d], role: "embedding", head: false });
  };

  table(embeddings.word, config.vocabSize);
  table(embeddings.position, config.maxPositionEmbeddings);
  table(embeddings.type, config.typeVocabSize);
  norm(embeddings.norm);
  for (let layer = 0; layer < config.numLayers; layer++) {
    const of = layerNames(layer);
    for (const part of [of.query, of.key, of.value]) linear(part, "input-projection", d, d);
    linear(of.mix, "output-projection", d, d);
    norm(of.mixNorm);
    linear(of.up, "input-projection", i, d);
    linear(of.down, "output-projection", d, i);
    norm(of.outputNorm);
  }
  if (pools(head)) linear(pooler, "transform", d, d, true);
  if (predicts(head)) {
    linear(transform.dense, "transform", d, d, true);
    norm(transform.norm, true);
  }
  for (const [name, spec] of heads[head].parameters(config, names(head))) specs.set(name, spec);
  return specs;
}
