/** One answer per text: pooling, features, classifier; single label, multi label or regression. */
import { map, scalar, sumAll, x } from "@modernbert-ts/tensor-core";
import type { Expression, Tensor } from "@modernbert-ts/tensor-core";
import type { DeviceBatch } from "../batch/device-batch.ts";
import type { Encoder } from "../encoder.ts";
import { BatchError } from "../errors.ts";
import type { ForwardOptions } from "../forward-options.ts";
import type { ProblemType } from "../info.ts";
import { pool } from "../pooling.ts";
import { readOnce } from "../read-once.ts";
import { classifierParameters, classify } from "./classifier.ts";
import type { HeadDefinition } from "./definition.ts";
import { uploadTargets } from "./labels.ts";
import type { DeviceLabels, DeviceTargets } from "./labels.ts";
import { crossEntropy, reduceLoss } from "./loss.ts";
import type { Loss, LossOptions } from "./loss.ts";

/** hidden [T, d] → logits [N, C], N the sequences of the batch. */
export function sequenceClassificationLogits(
  model: Encoder,
  hidden: Tensor,
  batch: DeviceBatch,
  options: ForwardOptions = {},
): Tensor {
  return model.runtime.scope(() => {
    const pooled = pool(hidden, batch, model.config.classifierPooling);
    return classify(model, model.pooledFeatures(pooled), options);
  });
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
 * @param labels single label: classes [N] as Int32Array, below 0 not counted, or what `uploadLabels` made of them; multi label: targets
 *   [N · C], and regression: values [N · C], as Float32Array or what `uploadTargets` made of them. The problem type is that of the
 *   config or, where it has none, inferred as transformers does: one label is regression, whole numbers are classes, others targets.
 * @throws BatchError when labels and problem type do not fit, or labels are not as many as logits want.
 */
export function sequenceClassificationLoss(
  model: Encoder,
  logits: Tensor,
  labels: Int32Array | Float32Array | DeviceLabels | DeviceTargets,
  options: LossOptions = {},
): Loss {
  const problem = model.info.problemType ?? inferProblem(model.info.labels.length, labels);
  switch (problem) {
    case "single_label_classification":
      if (!isClasses(labels)) {
        throw new BatchError("sequenceClassificationLoss", "expected Int32Array labels for single label, got floats");
      }
      return crossEntropy("sequenceClassificationLoss", logits, labels, options);
    case "multi_label_classification":
      return elementwise(binaryCrossEntropy, logits, labels, options);
    case "regression":
      return elementwise(squaredError, logits, labels, options);
    default:
      throw new Error(`internal: unknown problem type ${String(problem satisfies never)}`);
  }
}

type AnyLabels = Int32Array | Float32Array | DeviceLabels | DeviceTargets;

function isClasses(labels: AnyLabels): labels is Int32Array | DeviceLabels {
  return labels instanceof Int32Array || "count" in labels;
}

function inferProblem(classes: number, labels: AnyLabels): ProblemType {
  if (classes === 1) return "regression";
  return isClasses(labels) ? "single_label_classification" : "multi_label_classification";
}

/** Mean of expression(logit, target) over all N · C elements. */
function elementwise(expression: Expression, logits: Tensor, labels: AnyLabels, options: LossOptions): Loss {
  const { runtime, shape, dtype, size } = logits;
  return runtime.scope(() => {
    const { targets } = ArrayBuffer.isView(labels)
      ? uploadTargets(runtime, "sequenceClassificationLoss", labels, shape, dtype)
      : asTargets(labels);
    return reduceLoss(sumAll(map(expression, [logits, targets])), size, options);
  });
}

function asTargets(labels: DeviceLabels | DeviceTargets): DeviceTargets {
  if ("targets" in labels) return labels;
  throw new BatchError("sequenceClassificationLoss", "expected targets of the logits' shape, got classes");
}

export const sequenceClassificationHead: HeadDefinition = {
  classSuffix: "ForSequenceClassification",
  labelNames: ["labels"],
  parameters: (config, names) => classifierParameters(config, names, config.labels.length),
  plan(model, inputs) {
    const [rows] = inputs.unpadded.shape;
    const labels = inputs.labels.get("labels")?.data;
    const logits = (hidden: Tensor, batch: DeviceBatch): Tensor => sequenceClassificationLogits(model, hidden, batch);
    return {
      outputs: [
        {
          name: "logits",
          shape: [rows, model.info.labels.length],
          read: (hidden, batch) => readOnce(model.runtime, () => logits(hidden, batch)),
        },
      ],
      loss: labels && ((hidden, batch) => sequenceClassificationLoss(model, logits(hidden, batch), labels).loss),
    };
  },
};
