/** One class per token. */
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { ForwardOptions } from "../encoder.ts";
import type { ModernBert } from "../model.ts";
import { countScored, crossEntropySum, reduceLoss } from "./loss.ts";
import type { Loss, LossOptions } from "./loss.ts";
import { classify } from "./prediction-head.ts";

/** hidden [T, d] → logits [T, C] */
export function tokenClassificationLogits(model: ModernBert, hidden: Tensor, options: ForwardOptions = {}): Tensor {
  return classify(model, hidden, options);
}

/** @param labels [T], below 0 for tokens that do not count. */
export function tokenClassificationLoss(
  model: ModernBert,
  logits: Tensor,
  labels: Int32Array,
  options: LossOptions = {},
): Loss {
  return model.runtime.scope(() =>
    reduceLoss(crossEntropySum("tokenClassificationLoss", logits, labels), countScored(labels), options),
  );
}
