/**
 * Initial weights: "full_megatron" of the FlexBERT training code (AnswerDotAI/ModernBERT src/bert_layers/initialization.py), or
 * what transformers' `_init_weights` makes of the same settings. Both draw N(0, s²) cut at ± cutoff · s; output projections
 * have s / √(2L). They differ in the masked-LM head only.
 */
import { drawParameters } from "@modernbert-ts/encoder";
import type { Head, InitialValues, ParameterSpec } from "@modernbert-ts/encoder";
import type { DType, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { ModernBertConfig } from "./config/config.ts";
import { parameterSpecs } from "./parameters.ts";

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
  { seed, style = "huggingface", dtype = "f32" }: InitialisationOptions,
): Map<string, Tensor> {
  const specs = parameterSpecs(config, head);
  const initial = (name: string): InitialValues => initialValues(config, head, specs.get(name)!, style);
  return drawParameters(runtime, specs, initial, { seed, dtype });
}

/** First values of a parameter by its role. */
export function initialValues(
  config: ModernBertConfig,
  head: Head,
  { role }: ParameterSpec,
  style: InitialisationStyle,
): InitialValues {
  const { initializerRange: input, initializerCutoffFactor: cutoff, hiddenSize, layers } = config;
  const flexbert = style === "flexbert";
  const normal = (std: number): InitialValues => ({ kind: "truncated-normal", std, cutoff });
  const output = normal(input / Math.sqrt(2 * layers.length));
  switch (role) {
    case "norm":
      return { kind: "constant", value: 1 };
    case "bias":
      return { kind: "constant", value: 0 };
    case "decoder-bias":
      // FlexBERT never touches the bias of a tied decoder: it keeps torch's default for a linear layer.
      if (flexbert && config.tieWordEmbeddings) return { kind: "uniform", bound: hiddenSize ** -0.5 };
      return { kind: "constant", value: 0 };
    case "embedding":
    case "input-projection":
      return normal(input);
    case "output-projection":
      return output;
    case "transform":
      return head === "masked-lm" && flexbert ? normal(input) : output;
    case "decoder":
      return flexbert ? normal(hiddenSize ** -0.5) : output;
    case "classifier":
      return normal(hiddenSize ** -0.5);
    default:
      throw new Error(`internal: unknown role ${String(role satisfies never)}`);
  }
}
