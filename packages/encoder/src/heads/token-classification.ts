/** One class per token. */
import type { Tensor } from "@modernbert-ts/tensor-core";
import { pad } from "../batch/padding.ts";
import type { Encoder } from "../encoder.ts";
import type { ForwardOptions } from "../forward-options.ts";
import { readOnce } from "../read-once.ts";
import { classifierParameters, classify } from "./classifier.ts";
import type { HeadDefinition } from "./definition.ts";
import { tokenLabels } from "./input-labels.ts";
import type { DeviceLabels } from "./labels.ts";
import { crossEntropy } from "./loss.ts";
import type { Loss, LossOptions } from "./loss.ts";

/** hidden [T, d] → logits [T, C] */
export function tokenClassificationLogits(model: Encoder, hidden: Tensor, options: ForwardOptions = {}): Tensor {
  return model.runtime.scope(() => classify(model, model.headFeatures(hidden), options));
}

/** @param labels [T], below 0 for tokens that do not count; or what `uploadLabels` made of them. */
export function tokenClassificationLoss(
  logits: Tensor,
  labels: Int32Array | DeviceLabels,
  options: LossOptions = {},
): Loss {
  return crossEntropy("tokenClassificationLoss", logits, labels, options);
}

export const tokenClassificationHead: HeadDefinition = {
  classSuffix: "ForTokenClassification",
  labelNames: ["labels"],
  parameters: (config, names) => classifierParameters(config, names, config.labels.length),
  plan(model, inputs) {
    const { unpadded } = inputs;
    const labels = tokenLabels(inputs, model.head);
    const logits = (hidden: Tensor): Tensor => tokenClassificationLogits(model, hidden);
    const read = async (hidden: Tensor): Promise<Float32Array> =>
      pad(await readOnce(model.runtime, () => logits(hidden)), unpadded);
    return {
      outputs: [{ name: "logits", shape: [...unpadded.shape, model.info.labels.length], read }],
      loss: labels && ((hidden) => tokenClassificationLoss(logits(hidden), labels).loss),
    };
  },
};
