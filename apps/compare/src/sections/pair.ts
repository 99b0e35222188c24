/** A BERT and a ModernBERT of equal size, with random weights: what speed is measured on. */
import { bertArchitecture, createConfig as createBertConfig } from "@modernbert-ts/bert";
import { drawParameters } from "@modernbert-ts/encoder";
import type { Architecture, Encoder, HeadConfig } from "@modernbert-ts/encoder";
import { createConfig as createModernBertConfig, modernbertArchitecture } from "@modernbert-ts/modernbert";
import type { Runtime } from "@modernbert-ts/tensor-core";

export type ModelName = "bert" | "modernbert";
export const modelNames: readonly ModelName[] = ["bert", "modernbert"];
export const modelTitles: Readonly<Record<ModelName, string>> = { bert: "BERT", modernbert: "ModernBERT" };

/** A type, so that it can be among the settings of a record. */
export type Shape = {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly intermediate: number;
};

export type PairName = "small" | "base";

/** Both of one width; the layers are so many that both have about as many parameters. `base`: as published, 110M and 149M. */
export const pairs: Readonly<Record<PairName, Readonly<Record<ModelName, Shape>>>> = {
  small: {
    bert: { layers: 5, hidden: 256, heads: 4, intermediate: 1024 },
    modernbert: { layers: 7, hidden: 256, heads: 4, intermediate: 384 },
  },
  base: {
    bert: { layers: 12, hidden: 768, heads: 12, intermediate: 3072 },
    modernbert: { layers: 22, hidden: 768, heads: 12, intermediate: 1152 },
  },
};

/** The positions that models of each kind are made for. */
export const longest: Readonly<Record<ModelName, number>> = { bert: 512, modernbert: 8192 };

/** Dispose it when done. */
export function randomModel(runtime: Runtime, name: ModelName, shape: Shape, vocabSize: number): Encoder {
  const fields = {
    num_hidden_layers: shape.layers,
    hidden_size: shape.hidden,
    num_attention_heads: shape.heads,
    intermediate_size: shape.intermediate,
    vocab_size: vocabSize,
    max_position_embeddings: longest[name],
  };
  const special = { bos_token_id: 0, eos_token_id: 0, cls_token_id: 0, sep_token_id: 0, pad_token_id: 0 };
  return name === "bert"
    ? create(runtime, bertArchitecture, createBertConfig({ ...fields, pad_token_id: 0 }))
    : create(runtime, modernbertArchitecture, createModernBertConfig({ ...fields, ...special }));
}

function create<C extends HeadConfig>(runtime: Runtime, architecture: Architecture<C>, config: C): Encoder {
  const { kind } = architecture;
  const specs = kind.parameters(config, "none");
  const parameters = drawParameters(runtime, specs, (each) => kind.initial(config, "none", each, specs.get(each)!), {
    seed: 1,
    dtype: "f32",
  });
  return architecture.create({ runtime, config, head: "none", parameters });
}
