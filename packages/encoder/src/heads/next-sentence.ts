/** Whether the second text of a pair followed the first (BERT, arXiv 1810.04805 §3.1): class 0 where it did, class 1 where not. */
import { cast } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { DeviceBatch } from "../batch/device-batch.ts";
import type { Encoder } from "../encoder.ts";
import { pool } from "../pooling.ts";
import { readOnce } from "../read-once.ts";
import type { HeadConfig } from "../config/head-config.ts";
import type { ParameterSpec, SharedNames } from "../kind.ts";
import type { HeadDefinition } from "./definition.ts";
import { wholeLabels } from "./input-labels.ts";
import type { DeviceLabels } from "./labels.ts";
import { crossEntropy } from "./loss.ts";
import type { Loss, LossOptions } from "./loss.ts";

/** hidden [T, d] → logits [N, 2], N the sequences of the batch. */
export function nextSentenceLogits(model: Encoder, hidden: Tensor, batch: DeviceBatch): Tensor {
  return model.runtime.scope(() => {
    const pooled = pool(hidden, batch, model.config.classifierPooling);
    return cast(model.project(model.pooledFeatures(pooled), model.names.nextSentence), model.precision.reduce);
  });
}

/** @param labels [N], 0 or 1, below 0 for pairs that do not count; or what `uploadLabels` made of them. */
export function nextSentenceLoss(logits: Tensor, labels: Int32Array | DeviceLabels, options: LossOptions = {}): Loss {
  return crossEntropy("nextSentenceLoss", logits, labels, options);
}

export function nextSentenceParameters(
  { hiddenSize }: HeadConfig,
  { nextSentence }: SharedNames,
): (readonly [string, ParameterSpec])[] {
  return [
    [`${nextSentence}.weight`, { shape: [2, hiddenSize], role: "classifier", head: true }],
    [`${nextSentence}.bias`, { shape: [2], role: "bias", head: true }],
  ];
}

export const nextSentenceHead: HeadDefinition = {
  classSuffix: "ForNextSentencePrediction",
  labelNames: ["labels"],
  parameters: nextSentenceParameters,
  plan(model, inputs) {
    const [rows] = inputs.unpadded.shape;
    const labels = wholeLabels(inputs, model.head, "labels", [rows]);
    const logits = (hidden: Tensor, batch: DeviceBatch): Tensor => nextSentenceLogits(model, hidden, batch);
    return {
      outputs: [
        {
          name: "logits",
          shape: [rows, 2],
          read: (hidden, batch) => readOnce(model.runtime, () => logits(hidden, batch)),
        },
      ],
      loss: labels && ((hidden, batch) => nextSentenceLoss(logits(hidden, batch), labels).loss),
    };
  },
};
