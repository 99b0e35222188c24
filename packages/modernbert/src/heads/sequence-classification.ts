/** One answer per text: pooling, shared head, classifier; single label, multi label or regression. */
import { map, scalar, sumAll, x } from "@modernbert-ts/tensor-core";
import type { Expression, Tensor } from "@modernbert-ts/tensor-core";
import type { PackedBatch } from "../batch.ts";
import type { ModernBertConfig, ProblemType } from "../config/config.ts";
import type { ForwardOptions } from "../encoder.ts";
import { BatchError } from "../errors.ts";
import type { ModernBert } from "../model.ts";
import { checkCount, countScored, crossEntropySum, reduceLoss } from "./loss.ts";
import type { Loss, LossOptions } from "./loss.ts";
import { pool } from "./pooling.ts";
import { classify } from "./prediction-head.ts";

/** hidden [T, d] → logits [N, C], N the sequences of the batch. */
export function sequenceClassificationLogits(
  model: ModernBert,
  hidden: Tensor,
  batch: PackedBatch,
  options: ForwardOptions = {},
): Tensor {
  return model.runtime.scope(() => classify(model, pool(hidden, batch, model.config.classifierPooling), options));
}

const squaredError = scalar.mul(scalar.sub(x(0), x(1)), scalar.sub(x(0), x(1)));

/**
 * −y log σ(a) − (1 − y) log(1 − σ(a)) = (a + |a|) / 2 − a y + log(1 + exp(−|a|)): no overflow, and the slope at 0 is right.
 */
const binaryCrossEntropy: Expression = scalar.add(
  scalar.sub(scalar.mul(0.5, scalar.add(x(0), scalar.abs(x(0)))), scalar.mul(x(0), x(1))),
  scalar.log(scalar.add(1, scalar.exp(scalar.neg(scalar.abs(x(0)))))),
);

/**
 * @param labels single label: classes [N] as Int32Array, below 0 not counted; multi label: targets [N · C] and regression:
 *   values [N · C] as Float32Array. The problem type is that of the config or, where it has none, inferred as transformers does:
 *   one label is regression, whole numbers are classes, other numbers are targets.
 */
export function sequenceClassificationLoss(
  model: ModernBert,
  logits: Tensor,
  labels: Int32Array | Float32Array,
  options: LossOptions = {},
): Loss {
  const problem = model.config.problemType ?? inferProblem(model.config, labels);
  return model.runtime.scope(() => {
    switch (problem) {
      case "single_label_classification":
        if (!(labels instanceof Int32Array)) {
          throw new BatchError("sequenceClassificationLoss", "expected Int32Array labels for single label, got floats");
        }
        return reduceLoss(crossEntropySum("sequenceClassificationLoss", logits, labels), countScored(labels), options);
      case "multi_label_classification":
        return elementwise(binaryCrossEntropy, logits, labels, options);
      case "regression":
        return elementwise(squaredError, logits, labels, options);
      default:
        throw new Error(`internal: unknown problem type ${String(problem satisfies never)}`);
    }
  });
}

function inferProblem({ labels: names }: ModernBertConfig, labels: Int32Array | Float32Array): ProblemType {
  if (names.length === 1) return "regression";
  return labels instanceof Int32Array ? "single_label_classification" : "multi_label_classification";
}

/** Mean of expression(logit, target) over all N · C elements. */
function elementwise(
  expression: Expression,
  logits: Tensor,
  labels: Int32Array | Float32Array,
  options: LossOptions,
): Loss {
  checkCount("sequenceClassificationLoss", labels, logits.size);
  const bad = labels.findIndex((label) => !Number.isFinite(label));
  if (bad !== -1)
    throw new BatchError("sequenceClassificationLoss", `expected finite labels, got ${labels[bad]} at ${bad}`);
  const targets = logits.runtime.tensor(Array.from(labels), logits.shape, logits.dtype);
  return reduceLoss(sumAll(map(expression, [logits, targets])), logits.size, options);
}
