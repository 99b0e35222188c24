/** Multiple choice: which of several texts goes with another (SWAG, COPA). Each choice is a sequence; a softmax runs over those of a text. */
import { multipleChoiceLogits, multipleChoiceLoss } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import type { ExampleRow } from "../../data/examples/example-row.ts";
import type { ExampleStore } from "../../data/examples/example-store.ts";
import { accuracy } from "../../metrics/classes.ts";
import { largest } from "../../metrics/largest.ts";
import { exampleLoader } from "../example-loader.ts";
import { exampleModel } from "../example-model.ts";
import type { DeviceExampleRow } from "../example-model.ts";
import type { HeldOutMetrics, Objective, TrainableModel } from "../objective.ts";
import { frequentClass } from "../plain-baselines.ts";
import { choiceReading } from "./reading.ts";

const heldOut: HeldOutMetrics<ExampleRow, readonly [wanted: number, predicted: number]> = {
  metrics: [{ name: "accuracy", title: "accuracy", format: "share" }],
  collect({ values }, logits) {
    const choices = logits.length / values.length;
    return values.map((own, at) => [own[0]!, largest(logits.subarray(at * choices, (at + 1) * choices))]);
  },
  summarise: (items) => ({
    accuracy: accuracy(
      items.map(([wanted]) => wanted),
      items.map(([, predicted]) => predicted),
    ),
  }),
};

function choiceModel(
  encoder: Encoder,
  options: { readonly seed: number },
): TrainableModel<ExampleRow, DeviceExampleRow<"labels">> {
  return exampleModel(encoder, options, {
    metrics: [],
    heldOut,
    inputs: ({ values }) => ({
      labels: { values: Int32Array.from(values, (own) => own[0]!), shape: [values.length, 1] },
    }),
    output(hidden, { batch, inputs }, forward) {
      const count = inputs.labels.size;
      const choices = (batch.host.cuSeqlens.length - 1) / count;
      const logits = multipleChoiceLogits(encoder, hidden, batch, choices, forward);
      const { lossSum } = multipleChoiceLoss(logits, { values: inputs.labels, count }, { numItems: 1 });
      return { lossSum, sums: [], predictions: logits };
    },
  });
}

export const multipleChoiceObjective: Objective<ExampleRow, ExampleStore> = {
  name: "multiple_choice",
  head: "multiple-choice",
  // transformers' class has one output whatever the labels are.
  headSettings: () => ({ labels: ["LABEL_0"] }),
  reading: choiceReading,
  lossUnit: "nats per question",
  metrics: [],
  settings: { section: "choosing", description: "Nothing to set.", fields: {}, evaluation: {} },
  model: choiceModel,
  loader: (data, batches, _values, state) => exampleLoader(data, batches, ({ examples }) => examples.length, state),
  epochTokens: ({ store }) => store.tokens,
  baselines: ({ store }, batches) =>
    frequentClass(store, batches, "accuracy", "most frequent place of the right choice"),
};
