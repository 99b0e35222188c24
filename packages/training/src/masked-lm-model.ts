/** A ModernBERT with a masked-language-modelling head, as the trainer sees it. */
import { maskedLmLoss } from "@modernbert-ts/modernbert";
import type { ModernBert } from "@modernbert-ts/modernbert";
import type { TrainableModel } from "./model.ts";

export interface MaskedLmModelOptions {
  /** Of dropout, unsigned 32-bit; the rates stand in the model's config. */
  readonly seed: number;
}

/** Rows that a step may have, so that every micro-batch gets a number of its own. */
const MAX_ROWS = 2 ** 16;

export function maskedLmModel(model: ModernBert, { seed }: MaskedLmModelOptions): TrainableModel {
  return {
    runtime: model.runtime,
    parameters: model.parameters,
    maskedLm(row, step) {
      const options = step ? { dropout: { seed, step: step.step * MAX_ROWS + step.row } } : {};
      // numItems 1: the trainer divides, by the masked tokens of the whole step.
      return maskedLmLoss(model, model.encode(row, options), row.labels, { numItems: 1 });
    },
  };
}
