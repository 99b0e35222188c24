/** What all heads start from: dense, activation, norm (a pretrained masked-LM head serves as the start of every other). */
import type { Encoder } from "@modernbert-ts/encoder";
import { activationExpression, cast, layerNorm, map, x } from "@modernbert-ts/tensor-core";
import type { Activation, Expression, Tensor } from "@modernbert-ts/tensor-core";
import type { ModernBertConfig } from "./config/config.ts";

const expressions: Readonly<Record<Activation, Expression>> = {
  gelu: activationExpression("gelu", x(0)),
  gelu_tanh: activationExpression("gelu_tanh", x(0)),
  silu: activationExpression("silu", x(0)),
  relu: activationExpression("relu", x(0)),
};

/** [M, d] → [M, d] */
export function predictionFeatures(model: Encoder<ModernBertConfig>, rows: Tensor): Tensor {
  const { config, precision } = model;
  const activated = map(expressions[config.classifierActivation], [model.project(rows, "head.dense")]);
  const [weight, bias] = model.norm("head.norm");
  return layerNorm(cast(activated, precision.reduce), weight, bias, config.normEps);
}
