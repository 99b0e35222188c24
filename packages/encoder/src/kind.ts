/**
 * What an architecture says of its models without computing anything: config.json in and out, the names, shapes and first values of
 * parameters. `Architecture` adds how a model is made.
 */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { Shape } from "@modernbert-ts/tensor-core";
import type { JsonObject } from "./config/json-fields.ts";
import type { HeadConfig } from "./config/head-config.ts";
import type { EncoderInfo, Head } from "./info.ts";

/** What a parameter is for: decides its first values, and how it is held in fewer bytes. */
export type ParameterRole =
  | "embedding"
  /** A linear layer that reads the residual stream. */
  | "input-projection"
  /** A linear layer that writes to it. */
  | "output-projection"
  /** The dense layer of a head. */
  | "transform"
  | "decoder"
  | "classifier"
  | "norm"
  | "bias"
  | "decoder-bias";

export interface ParameterSpec {
  /** Weights of linear layers are [out, in]. */
  readonly shape: Shape;
  readonly role: ParameterRole;
  /** Belongs to the head: a checkpoint of another head lacks it. */
  readonly head: boolean;
}

/** Every parameter of a model in the order of the state dict of transformers' class. */
export type ParameterSpecs = ReadonlyMap<string, ParameterSpec>;

/** How many values the parameters have; a tied matrix is one parameter. */
export function countValues(specs: ParameterSpecs): number {
  let count = 0;
  for (const { shape } of specs.values()) count += sizeOf(shape);
  return count;
}

/** The parameters that shared code reads, by name. */
export interface SharedNames {
  /** [V, d] */
  readonly embedding: string;
  /** [V, d] of an untied masked-LM head. */
  readonly decoder: string;
  /** [V] */
  readonly decoderBias: string;
  /** The linear layer of the classification heads, without `.weight` and `.bias`. */
  readonly classifier: string;
  /** The linear layer of next-sentence prediction, likewise. */
  readonly nextSentence: string;
}

/** First values of a parameter. */
export type InitialValues =
  | { readonly kind: "constant"; readonly value: number }
  /** N(0, std²) cut at ± cutoff · std. */
  | { readonly kind: "truncated-normal"; readonly std: number; readonly cutoff: number }
  /** Between -bound and bound. */
  | { readonly kind: "uniform"; readonly bound: number };

/** What a layer costs, beside its matrices. */
export interface LayerCost {
  /** Half width of what a token attends to, in tokens; null: the whole sequence. */
  readonly window: number | null;
  /** Values that its backward pass reads, for each token: in the dtype of products, and in f32. */
  readonly held: { readonly compute: number; readonly f32: number };
}

/** Channels on their way from parameters that make them to linear layers that read them, and nothing else does: scaled there and back, a model stays what it is. */
export interface Seam {
  /** Parameters whose rows make the channels, each from a row on: a norm's weight, a part of a linear layer's. */
  readonly makers: readonly { readonly name: string; readonly from: number }[];
  /** The linear layer that reads them, without `.weight`. */
  readonly reader: string;
}

export interface EncoderKind<C extends HeadConfig = HeadConfig> {
  /** `model_type` in config.json. */
  readonly modelType: string;
  /** transformers' classes are this and a head's suffix: "ModernBert" + "ForMaskedLM". */
  readonly className: string;
  names(head: Head): SharedNames;
  /** @throws ConfigError, one line that names the field. */
  parseConfig(json: unknown): C;
  /** Without `architectures`. */
  configToJSON(config: C): JsonObject;
  /** Fields of config.json that Python must read as floats, so that `2` is written `2.0`. */
  readonly floatFields: readonly string[];
  info(config: C, head: Head): EncoderInfo;
  /** In their order. */
  layers(config: C): readonly LayerCost[];
  /** What is peculiar to the architecture, for people: what it is called, and what it is. */
  describe(config: C): readonly (readonly [name: string, text: string])[];
  /** Nothing is allocated. @throws ConfigError when the config does not fit the head. */
  parameters(config: C, head: Head): ParameterSpecs;
  /** The names under which checkpoints store a parameter, the usual one first; the first is what `saveModel` writes with a head. */
  storedNames(name: string): readonly string[];
  /** The name in a checkpoint of the encoder alone. */
  bareName(name: string): string;
  /** Absent where an architecture has none. */
  seams?(config: C): readonly Seam[];
  initial(config: C, head: Head, name: string, spec: ParameterSpec): InitialValues;
}
