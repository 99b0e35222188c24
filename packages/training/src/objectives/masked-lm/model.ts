/** An encoder with a masked-language-modelling head, as the loop sees it. */
import { maskedLmLoss, overwriteScored, uploadScored } from "@modernbert-ts/encoder";
import type { DeviceBatch, Encoder, ScoredTokens } from "@modernbert-ts/encoder";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { dropoutOf, overwriteDraw, uploadDraw } from "../dropout-draw.ts";
import type { MetricDefinition, TrainableModel } from "../objective.ts";
import type { MaskedRow } from "./mask.ts";

export const maskedLmMetrics: readonly MetricDefinition[] = [
  { name: "maskedAccuracy", title: "masked accuracy", format: "share" },
];

export interface DeviceMaskedRow {
  readonly batch: DeviceBatch;
  readonly scored: ScoredTokens;
  readonly draw: Tensor | undefined;
}

/** @param options.seed of dropout, unsigned 32-bit; the rates stand in the model's config. */
export function maskedLmModel(
  model: Encoder,
  { seed }: { readonly seed: number },
): TrainableModel<MaskedRow, DeviceMaskedRow> {
  const { runtime, parameters } = model;
  return {
    runtime,
    parameters,
    copies: model.holdCopies(),
    metrics: maskedLmMetrics,
    upload(row, step) {
      return {
        batch: model.upload(row),
        scored: uploadScored(model, row.ids.length, row.maskedPositions, row.maskedLabels),
        draw: uploadDraw(runtime, step),
      };
    },
    overwrite({ batch, scored, draw }, row, step) {
      model.overwrite(batch, row);
      overwriteScored(model, scored, row.ids.length, row.maskedPositions, row.maskedLabels);
      overwriteDraw(draw, step);
    },
    forward({ batch, scored, draw }) {
      const hidden = model.forward(batch, dropoutOf(draw, seed));
      // numItems 1: the loop divides, by the masked tokens of the whole step.
      const { lossSum, correct } = maskedLmLoss(model, hidden, scored, { numItems: 1 });
      return { lossSum, sums: [correct] };
    },
  };
}
