/**
 * Sentence vectors: texts that belong together come to lie close (InfoNCE over the whole step, with hard negatives), pairs get the cosine of
 * their score, or a teacher's scores or vectors are learned. Batches are as large as one asks, whatever the memory.
 */
import type { ExampleRow } from "../../data/examples/example-row.ts";
import type { ExampleStore } from "../../data/examples/example-store.ts";
import { exampleLoader } from "../example-loader.ts";
import type { Objective } from "../objective.ts";
import { choiceOf, defaultValues } from "../settings.ts";
import type { ObjectiveSettings } from "../settings.ts";
import { sentenceFiles } from "./files.ts";
import { embeddingLosses } from "./losses.ts";
import { embeddingModel, poolings } from "./model.ts";
import { embeddingReading } from "./reading.ts";

const settings: ObjectiveSettings = {
  section: "embedding",
  description: "What vectors are learned from.",
  fields: {
    loss: {
      kind: "choice",
      choices: embeddingLosses,
      default: "info_nce",
      description:
        "info_nce: pairs, with negatives or without; scored: pairs with a score; kl: a teacher's scores; mse, cosine: a teacher's vectors.",
    },
    pooling: {
      kind: "choice",
      choices: poolings,
      default: "mean",
      description: "A text's vector: of its tokens' the mean, or the first.",
    },
    temperature: { kind: "share", default: 0.05, description: "What cosines are divided by in info_nce and kl." },
    symmetric: { kind: "switch", default: false, description: "info_nce: let positives find their anchors too." },
    matryoshka_dims: {
      kind: "counts",
      default: [],
      description:
        "Learn vectors that can be cut to each of these lengths, such as [256, 128, 64]; the full length must be among them to count.",
    },
  },
  evaluation: {},
};

export const embeddingsObjective: Objective<ExampleRow, ExampleStore> = {
  name: "embeddings",
  head: "none",
  reading: embeddingReading,
  joint: true,
  lossUnit: "per example",
  metrics: [],
  settings,
  model: (encoder, options, values = defaultValues(settings)) => embeddingModel(encoder, options, values),
  files: (encoder, values, maxLength) => sentenceFiles(encoder, choiceOf(values, "pooling", poolings), maxLength),
  loader: (data, batches, _values, state) =>
    exampleLoader(data, { ...batches, allRows: true }, ({ examples }) => examples.length, state),
  epochTokens: ({ store }) => store.tokens,
  baselines: () => [],
};
