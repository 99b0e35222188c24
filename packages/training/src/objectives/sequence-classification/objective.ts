/** Sequence classification: one of several labels for a text or a pair, any number of them, or a number (transformers' fine-tuning). */
import type { ExampleRow } from "../../data/examples/example-row.ts";
import type { ExampleStore } from "../../data/examples/example-store.ts";
import { exampleLoader } from "../example-loader.ts";
import { frequentClass, meanValue } from "../plain-baselines.ts";
import type { Objective } from "../objective.ts";
import { sequenceModel } from "./model.ts";
import { problemOf, problems, problemSettings } from "./problem.ts";
import { sequenceReading } from "./reading.ts";

export const sequenceClassificationObjective: Objective<ExampleRow, ExampleStore> = {
  name: "sequence_classification",
  head: "sequence-classification",
  headSettings: (values, labels) => problemSettings(problemOf(values), labels),
  reading: sequenceReading,
  lossUnit: "per label",
  metrics: [],
  settings: {
    section: "classification",
    description: "What is to be told of a text.",
    fields: {
      problem: {
        kind: "choice",
        choices: problems,
        default: "single_label",
        description: "One label for each text, any number of labels, or a number (regression).",
      },
    },
    evaluation: {},
  },
  model: sequenceModel,
  // The loss of each label is a term: one for each text, or as many as there are labels.
  loader: (data, batches, _values, state) =>
    exampleLoader(data, batches, (row) => row.values.reduce((sum, own) => sum + own.length, 0), state),
  epochTokens: ({ store }) => store.tokens,
  baselines({ store }, batches, values) {
    switch (problemOf(values)) {
      case "single_label":
        return frequentClass(store, batches, "accuracy", "most frequent label");
      case "regression":
        return meanValue(store, batches);
      default:
        return [];
    }
  },
};
