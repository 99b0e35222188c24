/** Token classification: a tag for each word, such as its part of speech or its place in a name (transformers' fine-tuning). */
import type { ExampleRow } from "../../data/examples/example-row.ts";
import type { ExampleStore } from "../../data/examples/example-store.ts";
import { DataError } from "../../errors.ts";
import { exampleLoader } from "../example-loader.ts";
import { frequentClass } from "../plain-baselines.ts";
import type { Objective } from "../objective.ts";
import { tokenModel } from "./model.ts";
import { tokenReading } from "./reading.ts";
import { wordBaseline } from "./word-baseline.ts";

export const tokenClassificationObjective: Objective<ExampleRow, ExampleStore> = {
  name: "token_classification",
  head: "token-classification",
  headSettings(_values, labels) {
    if (labels.length >= 2) return { labels };
    throw new DataError(
      "invalid",
      "token_classification",
      `expected at least 2 tags, got ${labels.join(", ") || "none"}`,
    );
  },
  reading: tokenReading,
  lossUnit: "nats per word",
  metrics: [],
  settings: { section: "tagging", description: "Nothing to set.", fields: {}, evaluation: {} },
  model: tokenModel,
  loader: (data, batches, _values, state) =>
    exampleLoader(
      data,
      batches,
      ({ values }) => values.reduce((sum, own) => sum + own.filter((label) => label >= 0).length, 0),
      state,
    ),
  epochTokens: ({ store }) => store.tokens,
  baselines({ store }, batches) {
    const all = [...batches];
    return [...frequentClass(store, all, "accuracy", "most frequent tag"), wordBaseline(store, all)];
  },
};
