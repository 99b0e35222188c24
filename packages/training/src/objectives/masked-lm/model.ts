/** An encoder with a masked-language-modelling head, as the loop sees it. */
import { maskedLmLoss, uploadScored } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import type { MetricDefinition, TrainableModel } from "../objective.ts";
import type { MaskedRow } from "./mask.ts";

export const maskedLmMetrics: readonly MetricDefinition[] = [
  { name: "maskedAccuracy", title: "masked accuracy", format: "share" },
];

/** Rows that a step may have, so that every micro-batch gets a number of its own. */
const MAX_ROWS = 2 ** 16;

/** @param options.seed of dropout, unsigned 32-bit; the rates stand in the model's config. */
export function maskedLmModel(model: Encoder, { seed }: { readonly seed: number }): TrainableModel<MaskedRow> {
  return {
    runtime: model.runtime,
    parameters: model.parameters,
    metrics: maskedLmMetrics,
    forward(row, step) {
      const options = step ? { dropout: { seed, step: step.step * MAX_ROWS + step.row } } : {};
      const scored = uploadScored(model, row.ids.length, row.maskedPositions, row.maskedLabels);
      // numItems 1: the loop divides, by the masked tokens of the whole step.
      const { lossSum, correct } = maskedLmLoss(model, model.encode(row, options), scored, { numItems: 1 });
      return { lossSum, sums: [correct] };
    },
  };
}
