/** The head that all classes share: dense, activation, norm (a pretrained masked-LM head serves as the start of every other). */
import { activationExpression, cast, layerNorm, map, x } from "@modernbert-ts/tensor-core";
import type { Activation, Expression, Tensor } from "@modernbert-ts/tensor-core";
import { drop, project } from "../encoder.ts";
import type { ForwardOptions } from "../encoder.ts";
import type { ModernBert } from "../model.ts";

const expressions: Readonly<Record<Activation, Expression>> = {
  gelu: activationExpression("gelu", x(0)),
  gelu_tanh: activationExpression("gelu_tanh", x(0)),
  silu: activationExpression("silu", x(0)),
  relu: activationExpression("relu", x(0)),
};

/** [M, d] → [M, d] */
export function predictionHead(model: ModernBert, hidden: Tensor): Tensor {
  const { config, precision } = model;
  const activated = map(expressions[config.classifierActivation], [project(model, hidden, "head.dense")]);
  const [weight, bias] = model.norm("head.norm");
  return layerNorm(cast(activated, precision.reduce), weight, bias, config.normEps);
}

/** [M, d] → [M, C]: shared head, dropout, classifier; the logits in the dtype of losses. */
export function classify(model: ModernBert, hidden: Tensor, options: ForwardOptions): Tensor {
  const { runtime, config, precision } = model;
  return runtime.scope(() => {
    const features = drop(predictionHead(model, hidden), config.dropout.classifier, "classifier", options);
    return cast(project(model, features, "classifier"), precision.reduce);
  });
}
