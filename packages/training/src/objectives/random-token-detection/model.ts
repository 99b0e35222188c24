/** An encoder with a token-classification head of two labels, as the loop sees it. */
import { tokenClassificationLogits, tokenClassificationLoss, uploadLabels } from "@modernbert-ts/encoder";
import type { DeviceBatch, DeviceLabels, Encoder } from "@modernbert-ts/encoder";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { dropoutOf, overwriteDraw, uploadDraw } from "../dropout-draw.ts";
import type { MetricDefinition, TrainableModel } from "../objective.ts";
import { correctOf } from "../two-classes.ts";
import type { ReplacedRow } from "./replace.ts";

export const detectionMetrics: readonly MetricDefinition[] = [
  { name: "detectionAccuracy", title: "detection accuracy", format: "share" },
];

export interface DeviceReplacedRow {
  readonly batch: DeviceBatch;
  readonly labels: DeviceLabels;
  readonly draw: Tensor | undefined;
}

/** @param options.seed of dropout, unsigned 32-bit; the rates stand in the model's config. */
export function detectionModel(
  model: Encoder,
  { seed }: { readonly seed: number },
): TrainableModel<ReplacedRow, DeviceReplacedRow> {
  const { runtime, parameters } = model;
  return {
    runtime,
    parameters,
    copies: model.holdCopies(),
    metrics: detectionMetrics,
    upload(row, step) {
      return {
        batch: model.upload(row),
        labels: uploadLabels(runtime, "randomTokenDetection", row.labels, row.ids.length, 2),
        draw: uploadDraw(runtime, step),
      };
    },
    overwrite({ batch, labels, draw }, row, step) {
      model.overwrite(batch, row);
      runtime.write(labels.values, row.labels);
      overwriteDraw(draw, step);
    },
    forward({ batch, labels, draw }) {
      const options = dropoutOf(draw, seed);
      const logits = tokenClassificationLogits(model, model.forward(batch, options), options);
      const { lossSum } = tokenClassificationLoss(logits, labels, { numItems: 1 });
      return { lossSum, sums: [correctOf(logits, labels.values)] };
    },
  };
}
