/** Which of several texts: each choice is a sequence, the choices of a question follow one another in the pack. */
import { reshape } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { PackedBatch } from "../batch.ts";
import type { ForwardOptions } from "../encoder.ts";
import { BatchError } from "../errors.ts";
import type { ModernBert } from "../model.ts";
import { countScored, crossEntropySum, reduceLoss } from "./loss.ts";
import type { Loss, LossOptions } from "./loss.ts";
import { pool } from "./pooling.ts";
import { classify } from "./prediction-head.ts";

/** hidden [T, d] → logits [B, choices], B · choices the sequences of the batch. */
export function multipleChoiceLogits(
  model: ModernBert,
  hidden: Tensor,
  batch: PackedBatch,
  choices: number,
  options: ForwardOptions = {},
): Tensor {
  const sequences = batch.cuSeqlens.length - 1;
  if (!(Number.isInteger(choices) && choices > 0 && sequences % choices === 0)) {
    throw new BatchError(
      "multipleChoiceLogits",
      `expected a divisor of ${sequences} sequences, got ${choices} choices`,
    );
  }
  return model.runtime.scope(() => {
    const scores = classify(model, pool(hidden, batch, model.config.classifierPooling), options);
    return reshape(scores, [sequences / choices, choices]);
  });
}

/** @param labels [B], the right choice; below 0 for questions that do not count. */
export function multipleChoiceLoss(
  model: ModernBert,
  logits: Tensor,
  labels: Int32Array,
  options: LossOptions = {},
): Loss {
  return model.runtime.scope(() =>
    reduceLoss(crossEntropySum("multipleChoiceLoss", logits, labels), countScored(labels), options),
  );
}
