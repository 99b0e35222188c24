/** An encoder with a masked-language-modelling head, as the trainer sees it. */
import { maskedLmLoss, uploadScored } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import type { TrainableModel } from "./model.ts";

export interface MaskedLmModelOptions {
  /** Of dropout, unsigned 32-bit; the rates stand in the model's config. */
  readonly seed: number;
}

/** Rows that a step may have, so that every micro-batch gets a number of its own. */
const MAX_ROWS = 2 ** 16;

export function maskedLmModel(model: Encoder, { seed }: MaskedLmModelOptions): TrainableModel {
  return {
    runtime: model.runtime,
    parameters: model.parameters,
    maskedLm(row, step) {
      const options = step ? { dropout: { seed, step: step.step * MAX_ROWS + step.row } } : {};
      // numItems 1: the trainer divides, by the masked tokens of the whole step.
      const scored = uploadScored(model, row.ids.length, row.maskedPositions, row.maskedLabels);
      return maskedLmLoss(model, model.encode(row, options), scored, { numItems: 1 });
    },
  };
}
