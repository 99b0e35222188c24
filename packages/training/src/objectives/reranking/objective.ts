/** Reranking by a cross-encoder: a score for a query and a document read together, from each pair's label or from whole lists. */
import { sequenceClassificationLogits, sequenceClassificationLoss } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import type { ExampleRow } from "../../data/examples/example-row.ts";
import type { ExampleStore } from "../../data/examples/example-store.ts";
import { rankingScores } from "../../metrics/ranking.ts";
import { exampleLoader } from "../example-loader.ts";
import { exampleModel } from "../example-model.ts";
import type { DeviceExampleRow } from "../example-model.ts";
import type { HeldOutMetrics, Objective, TrainableModel } from "../objective.ts";
import { choiceOf, defaultValues } from "../settings.ts";
import type { ObjectiveSettings, SettingValues } from "../settings.ts";
import { listwiseLoss, rerankingLosses } from "./losses.ts";
import { rerankingReading } from "./reading.ts";

/** Labels and scores of a query's documents. */
type Ranked = readonly [labels: readonly number[], scores: readonly number[]];

const heldOut: HeldOutMetrics<ExampleRow, Ranked> = {
  metrics: [
    { name: "ndcg10", title: "nDCG@10", format: "number" },
    { name: "map", title: "MAP", format: "number" },
    { name: "mrr10", title: "MRR@10", format: "number" },
  ],
  collect: ({ values, firstSequence }, scores) =>
    values.map((labels, at) => [[...labels], [...scores.subarray(firstSequence[at]!, firstSequence[at + 1]!)]]),
  summarise(items) {
    const queries = items.map(([labels, scores]) => ({
      ranked: [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!).map(String),
      relevant: new Map(labels.map((label, at) => [String(at), label])),
    }));
    const { ndcg10, map, mrr10 } = rankingScores(queries);
    return { ndcg10, map, mrr10 };
  },
};

type Input = "labels" | "places";

function rerankingModel(
  encoder: Encoder,
  options: { readonly seed: number },
  values: SettingValues,
): TrainableModel<ExampleRow, DeviceExampleRow<Input>> {
  const listwise = choiceOf(values, "loss", rerankingLosses) === "listwise";
  return exampleModel(encoder, options, {
    metrics: [],
    heldOut,
    inputs: (row) => (listwise ? inLists(row) : oneByOne(row)),
    output(hidden, { batch, inputs: { labels, places } }, forward) {
      const scores = sequenceClassificationLogits(encoder, hidden, batch, forward);
      const lossSum = listwise
        ? listwiseLoss(scores, places, labels)
        : sequenceClassificationLoss(encoder, scores, { targets: labels }, { numItems: 1 }).lossSum;
      return { lossSum, sums: [], predictions: scores };
    },
  });
}

function oneByOne({ values }: ExampleRow): ReturnType<typeof inLists> {
  const labels = Float32Array.from(values.flatMap((own) => [...own]));
  const shape = [labels.length, 1];
  return { labels: { values: labels, shape }, places: { values: new Int32Array(labels.length), shape } };
}

function inLists({ values, firstSequence }: ExampleRow): {
  readonly labels: { readonly values: Float32Array; readonly shape: readonly number[] };
  readonly places: { readonly values: Int32Array; readonly shape: readonly number[] };
} {
  const longest = Math.max(...values.map(({ length }) => length));
  const shape = [values.length, longest];
  const labels = new Float32Array(values.length * longest);
  const places = new Int32Array(labels.length).fill(firstSequence.at(-1)!);
  for (const [list, own] of values.entries()) {
    const total = own.reduce((sum, label) => sum + label, 0);
    for (const [at, label] of own.entries()) {
      labels[list * longest + at] = label / total;
      places[list * longest + at] = firstSequence[list]! + at;
    }
  }
  return { labels: { values: labels, shape }, places: { values: places, shape } };
}

const settings: ObjectiveSettings = {
  section: "reranking",
  description: "What scores are learned from.",
  fields: {
    loss: {
      kind: "choice",
      choices: rerankingLosses,
      default: "bce",
      description:
        "bce: each document by itself, labels from 0 to 1; listwise: the documents of a query against each other.",
    },
  },
  evaluation: {},
};

export const rerankingObjective: Objective<ExampleRow, ExampleStore> = {
  name: "reranking",
  head: "sequence-classification",
  // As sentence-transformers' cross-encoders: one output, read as a logit.
  headSettings: () => ({ labels: ["LABEL_0"], problemType: "multi_label_classification" }),
  reading: rerankingReading,
  lossUnit: "per document or list",
  metrics: [],
  settings,
  model: (encoder, options, values = defaultValues(settings)) => rerankingModel(encoder, options, values),
  loader: (data, batches, values, state) =>
    exampleLoader(
      data,
      batches,
      choiceOf(values, "loss", rerankingLosses) === "listwise"
        ? ({ examples }) => examples.length
        : ({ cuSeqlens }) => cuSeqlens.length - 1,
      state,
    ),
  epochTokens: ({ store }) => store.tokens,
  baselines: () => [],
};
