/** An encoder with a token-classification head, as the loop sees it. */
import { tokenClassificationLogits, tokenClassificationLoss } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import type { ExampleRow } from "../../data/examples/example-row.ts";
import { exampleModel } from "../example-model.ts";
import type { DeviceExampleRow } from "../example-model.ts";
import type { TrainableModel } from "../objective.ts";
import { tokenMetrics } from "./metrics.ts";

export function tokenModel(
  encoder: Encoder,
  options: { readonly seed: number },
): TrainableModel<ExampleRow, DeviceExampleRow<"labels">> {
  return exampleModel(encoder, options, {
    metrics: [],
    heldOut: tokenMetrics(encoder.info.labels),
    inputs: ({ values, ids }) => ({
      labels: { values: Int32Array.from(values.flatMap((own) => [...own])), shape: [ids.length, 1] },
    }),
    output(hidden, { inputs }, forward) {
      const logits = tokenClassificationLogits(encoder, hidden, forward);
      const labels = { values: inputs.labels, count: hidden.shape[0]! };
      const { lossSum } = tokenClassificationLoss(logits, labels, { numItems: 1 });
      return { lossSum, sums: [], predictions: logits };
    },
  });
}
