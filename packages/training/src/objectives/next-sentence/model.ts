/** An encoder with the heads of BERT's pretraining, as the loop sees it: the loss is that of masked tokens and that of pairs, added. */
import {
  maskedLmLoss,
  nextSentenceLogits,
  nextSentenceLoss,
  overwriteScored,
  uploadLabels,
  uploadScored,
} from "@modernbert-ts/encoder";
import type { DeviceBatch, DeviceLabels, Encoder, ScoredTokens } from "@modernbert-ts/encoder";
import { add, mul } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { DataError } from "../../errors.ts";
import { dropoutOf, overwriteDraw, uploadDraw } from "../dropout-draw.ts";
import { maskedLmMetrics } from "../masked-lm/model.ts";
import type { MetricDefinition, TrainableModel } from "../objective.ts";
import { correctOf } from "../two-classes.ts";
import type { PretrainingRow } from "./loader.ts";

export const pretrainingMetrics: readonly MetricDefinition[] = [
  ...maskedLmMetrics,
  { name: "nextSentenceAccuracy", title: "next-sentence accuracy", format: "share" },
];

export interface DevicePretrainingRow {
  readonly batch: DeviceBatch;
  readonly scored: ScoredTokens;
  readonly next: DeviceLabels;
  /** [1] */
  readonly pairWeight: Tensor;
  readonly draw: Tensor | undefined;
}

/** @param options.seed of dropout, unsigned 32-bit. @throws DataError for a model that does not tell two texts apart. */
export function pretrainingModel(
  model: Encoder,
  { seed }: { readonly seed: number },
): TrainableModel<PretrainingRow, DevicePretrainingRow> {
  const { runtime, parameters, info, precision } = model;
  if (info.typeVocabSize < 2)
    throw new DataError(
      "invalid",
      "masked_lm_next_sentence",
      `expected a model with two token types, such as BERT, got ${info.modelType} with ${info.typeVocabSize}: set model.preset to bert-base, or objective to masked_lm`,
    );
  return {
    runtime,
    parameters,
    copies: model.holdCopies(),
    metrics: pretrainingMetrics,
    upload(row, step) {
      const { ids, maskedPositions, maskedLabels, nextLabels, pairWeight } = row;
      return {
        batch: model.upload(row),
        scored: uploadScored(model, ids.length, maskedPositions, maskedLabels),
        next: uploadLabels(runtime, "nextSentence", nextLabels, nextLabels.length, 2),
        pairWeight: runtime.tensor(Float32Array.of(pairWeight), [1], precision.reduce),
        draw: uploadDraw(runtime, step),
      };
    },
    overwrite({ batch, scored, next, pairWeight, draw }, row, step) {
      model.overwrite(batch, row);
      overwriteScored(model, scored, row.ids.length, row.maskedPositions, row.maskedLabels);
      runtime.write(next.values, row.nextLabels);
      runtime.write(pairWeight, Float32Array.of(row.pairWeight));
      overwriteDraw(draw, step);
    },
    forward({ batch, scored, next, pairWeight, draw }) {
      const hidden = model.forward(batch, dropoutOf(draw, seed));
      // numItems 1: the loop divides, by the masked tokens of the whole step.
      const tokens = maskedLmLoss(model, hidden, scored, { numItems: 1 });
      const logits = nextSentenceLogits(model, hidden, batch);
      const pairs = nextSentenceLoss(logits, next, { numItems: 1 });
      return {
        lossSum: add(tokens.lossSum, mul(pairs.lossSum, pairWeight)),
        sums: [tokens.correct, mul(correctOf(logits, next.values), pairWeight)],
      };
    },
  };
}
