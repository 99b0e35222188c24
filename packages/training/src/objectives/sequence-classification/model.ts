/** An encoder with a sequence-classification head, as the loop sees it. */
import { sequenceClassificationLogits, sequenceClassificationLoss } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import type { ExampleRow } from "../../data/examples/example-row.ts";
import { exampleModel } from "../example-model.ts";
import type { DeviceExampleRow } from "../example-model.ts";
import type { TrainableModel } from "../objective.ts";
import { sequenceMetrics } from "./metrics.ts";

export function sequenceModel(
  encoder: Encoder,
  options: { readonly seed: number },
): TrainableModel<ExampleRow, DeviceExampleRow<"labels">> {
  const { problemType, labels } = encoder.info;
  const single = problemType === "single_label_classification";
  return exampleModel(encoder, options, {
    metrics: [],
    heldOut: sequenceMetrics(encoder.info),
    inputs({ values }) {
      const all = Float32Array.from(values.flatMap((own) => [...own]));
      return {
        labels: single
          ? { values: Int32Array.from(all), shape: [values.length, 1] }
          : { values: all, shape: [values.length, labels.length] },
      };
    },
    output(hidden, { batch, inputs }, forward) {
      const logits = sequenceClassificationLogits(encoder, hidden, batch, forward);
      const given = single ? { values: inputs.labels, count: logits.shape[0]! } : { targets: inputs.labels };
      // numItems 1: the loop divides, by what the whole step scores.
      const { lossSum } = sequenceClassificationLoss(encoder, logits, given, { numItems: 1 });
      return { lossSum, sums: [], predictions: logits };
    },
  });
}
