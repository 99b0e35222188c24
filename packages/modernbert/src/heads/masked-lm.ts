/** Masked language modelling: shared head, then the decoder (tied to the embedding) on the positions that are asked for only. */
import { cast, gather, linear, linearCrossEntropy } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { ModernBertConfig } from "../config/config.ts";
import { BatchError } from "../errors.ts";
import type { ModernBert } from "../model.ts";
import { decoderName, embeddingName } from "../parameters.ts";
import { checkLabels, reduceLoss } from "./loss.ts";
import type { Loss, LossOptions } from "./loss.ts";
import { predictionHead } from "./prediction-head.ts";

export interface MaskedLmLoss extends Loss {
  /** [1]: how many scored positions have the label as their largest logit. Carries no gradient. */
  readonly correct: Tensor;
}

/** hidden [T, d] → logits [M, V] at `positions` (indices into the pack), or at all T. Large: M · V values. */
export function maskedLmLogits(model: ModernBert, hidden: Tensor, positions?: Int32Array): Tensor {
  const { runtime, precision } = model;
  return runtime.scope(() => {
    const rows = positions ? rowsAt(hidden, positions) : hidden;
    const features = cast(predictionHead(model, rows), precision.compute);
    return cast(linear(features, model.matrix(decoderOf(model)), model.optional("decoder.bias")), precision.reduce);
  });
}

/**
 * Cross-entropy over the scored positions of the pack (see `scoredPositions`); logits are never held as a whole.
 * @param labels [T], the original ids; below 0 where nothing is to be predicted.
 */
export function maskedLmLoss(
  model: ModernBert,
  hidden: Tensor,
  labels: Int32Array,
  options: LossOptions = {},
): MaskedLmLoss {
  const { runtime, config, precision } = model;
  checkLabels("maskedLmLoss", labels, hidden.shape[0]!, config.vocabSize);
  return runtime.scope(() => {
    const positions = scoredPositions(config, labels);
    const scored = Int32Array.from(positions, (at) => labels[at]!);
    const features = cast(predictionHead(model, rowsAt(hidden, positions)), precision.compute);
    const weight = cast(model.parameter(decoderOf(model)), precision.compute);
    const targets = runtime.tensor(scored, [scored.length], "i32");
    const { lossSum, correct } = linearCrossEntropy(features, weight, model.optional("decoder.bias"), targets);
    return { ...reduceLoss(lossSum, positions.length, options), correct };
  });
}

/** Where a label counts: not below 0 and, with `sparsePrediction`, not the ignore index. Increasing. */
export function scoredPositions(config: ModernBertConfig, labels: Int32Array): Int32Array {
  const ignored = config.sparsePrediction ? config.sparsePredictionIgnoreIndex : -1;
  const positions: number[] = [];
  labels.forEach((label, at) => {
    if (label >= 0 && label !== ignored) positions.push(at);
  });
  return Int32Array.from(positions);
}

/** The name of the decoder's weight. */
function decoderOf({ config }: ModernBert): string {
  return config.tieWordEmbeddings ? embeddingName : decoderName;
}

/** Rows of hidden [T, d] by index, which is checked here because devices report bad ones late. */
function rowsAt(hidden: Tensor, positions: Int32Array): Tensor {
  const tokens = hidden.shape[0]!;
  const bad = positions.find((at) => !(at >= 0 && at < tokens));
  if (bad !== undefined) throw new BatchError("maskedLm", `expected positions from 0 to below ${tokens}, got ${bad}`);
  return gather(hidden, hidden.runtime.tensor(positions, [positions.length], "i32"));
}
