/**
 * Initial weights: "full_megatron" of the FlexBERT training code (AnswerDotAI/ModernBERT src/bert_layers/initialization.py), or
 * what transformers' `_init_weights` makes of the same settings. Both draw N(0, s²) cut at ± cutoff · s; output projections
 * have s / √(2L). They differ in the masked-LM head only.
 */
import { cast, full, truncatedNormal, uniform, map, scalar, x } from "@modernbert-ts/tensor-core";
import type { DType, Runtime, Shape, Tensor } from "@modernbert-ts/tensor-core";
import type { Head, ModernBertConfig } from "./config/config.ts";
import { decoderName, parameterShapes } from "./parameters.ts";
import { streamOf } from "./random-streams.ts";

export type InitialisationStyle = "huggingface" | "flexbert";

export interface InitialisationOptions {
  /** Unsigned 32-bit. The same seed gives the same values on every backend, whatever else the model has. */
  readonly seed: number;
  /** Default "huggingface". */
  readonly style?: InitialisationStyle;
  /** Default "f32". */
  readonly dtype?: DType;
}

/** Fresh parameters, owned by the caller: give them to a `ModernBert` or dispose them. */
export function initialiseParameters(
  runtime: Runtime,
  config: ModernBertConfig,
  head: Head,
  options: InitialisationOptions,
): Map<string, Tensor> {
  const parameters = new Map<string, Tensor>();
  try {
    for (const [name, shape] of parameterShapes(config, head)) {
      parameters.set(name, initialiseParameter(runtime, config, head, name, shape, options));
    }
  } catch (error) {
    for (const tensor of parameters.values()) tensor.dispose();
    throw error;
  }
  return parameters;
}

/** One parameter of `parameterShapes`, owned by the caller. */
export function initialiseParameter(
  runtime: Runtime,
  config: ModernBertConfig,
  head: Head,
  name: string,
  shape: Shape,
  { seed, style = "huggingface", dtype = "f32" }: InitialisationOptions,
): Tensor {
  const draw = { seed, stream: streamOf(name) };
  const values = runtime.scope(() => {
    if (name.endsWith(".bias")) {
      const untouched = name === "decoder.bias" && style === "flexbert" && config.tieWordEmbeddings;
      return cast(untouched ? linearDefault(runtime, config, shape, draw) : full(runtime, shape, 0), dtype);
    }
    if (shape.length === 1) return full(runtime, shape, 1, dtype);
    const std = standardDeviation(config, head, name, style);
    return cast(truncatedNormal(runtime, shape, std, config.initializerCutoffFactor, draw), dtype);
  });
  return runtime.keep(values);
}

/** FlexBERT never touches the bias of a tied decoder: it keeps torch's default for a linear layer, U(±1/√d). */
function linearDefault(
  runtime: Runtime,
  { hiddenSize }: ModernBertConfig,
  shape: Shape,
  draw: { readonly seed: number; readonly stream: number },
): Tensor {
  const bound = hiddenSize ** -0.5;
  return map(scalar.mul(bound, scalar.sub(scalar.mul(2, x(0)), 1)), [uniform(runtime, shape, draw)]);
}

function standardDeviation(config: ModernBertConfig, head: Head, name: string, style: InitialisationStyle): number {
  const { initializerRange: input, hiddenSize, layers } = config;
  const output = input / Math.sqrt(2 * layers.length);
  if (name.endsWith(".Wo.weight")) return output;
  if (name === "head.dense.weight") return head === "masked-lm" && style === "flexbert" ? input : output;
  if (name === decoderName) return style === "flexbert" ? hiddenSize ** -0.5 : output;
  return name === "classifier.weight" ? hiddenSize ** -0.5 : input;
}
