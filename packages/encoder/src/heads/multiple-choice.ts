/** Which of several texts: each choice is a sequence, the choices of a question follow one another in the pack. */
import { reshape } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { DeviceBatch } from "../batch/device-batch.ts";
import type { Encoder } from "../encoder.ts";
import { BatchError } from "../errors.ts";
import type { ForwardOptions } from "../forward-options.ts";
import { pool } from "../pooling.ts";
import { readOnce } from "../read-once.ts";
import { classifierParameters, classify } from "./classifier.ts";
import type { HeadDefinition } from "./definition.ts";
import { wholeLabels } from "./input-labels.ts";
import type { DeviceLabels } from "./labels.ts";
import { crossEntropy } from "./loss.ts";
import type { Loss, LossOptions } from "./loss.ts";

/** hidden [T, d] → logits [B, choices], B · choices the sequences of the batch. @throws BatchError where they do not divide. */
export function multipleChoiceLogits(
  model: Encoder,
  hidden: Tensor,
  batch: DeviceBatch,
  choices: number,
  options: ForwardOptions = {},
): Tensor {
  const sequences = batch.host.cuSeqlens.length - 1;
  if (!(Number.isInteger(choices) && choices > 0 && sequences % choices === 0)) {
    throw new BatchError(
      "multipleChoiceLogits",
      `expected a divisor of ${sequences} sequences, got ${choices} choices`,
    );
  }
  return model.runtime.scope(() => {
    const pooled = pool(hidden, batch, model.config.classifierPooling);
    const scores = classify(model, model.pooledFeatures(pooled), options);
    return reshape(scores, [sequences / choices, choices]);
  });
}

/** @param labels [B], the right choice, below 0 for questions that do not count; or what `uploadLabels` made of them. */
export function multipleChoiceLoss(logits: Tensor, labels: Int32Array | DeviceLabels, options: LossOptions = {}): Loss {
  return crossEntropy("multipleChoiceLoss", logits, labels, options);
}

export const multipleChoiceHead: HeadDefinition = {
  classSuffix: "ForMultipleChoice",
  labelNames: ["labels"],
  choices: true,
  parameters: (config, names) => classifierParameters(config, names, 1),
  plan(model, inputs) {
    const [questions, choices] = inputs.shape as [number, number, number];
    const labels = wholeLabels(inputs, model.head, "labels", [questions]);
    const logits = (hidden: Tensor, batch: DeviceBatch): Tensor => multipleChoiceLogits(model, hidden, batch, choices);
    return {
      outputs: [
        {
          name: "logits",
          shape: [questions, choices],
          read: (hidden, batch) => readOnce(model.runtime, () => logits(hidden, batch)),
        },
      ],
      loss: labels && ((hidden, batch) => multipleChoiceLoss(logits(hidden, batch), labels).loss),
    };
  },
};
