/**
 * SPLADE (arXiv 2109.10086): a text is a sparse vector over the vocabulary, the largest log(1 + relu) of the masked-LM logits of its tokens;
 * InfoNCE over the step, and the FLOPS regulariser (arXiv 2004.05665), which makes most weights 0.
 */
import { maskedLmLogits } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import {
  add,
  concat,
  gather,
  map,
  matmul,
  max,
  mean,
  scalar,
  scale,
  sumAll,
  transpose,
  x,
} from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { ExampleRow } from "../../data/examples/example-row.ts";
import type { ExampleStore } from "../../data/examples/example-store.ts";
import { sequenceOf } from "../colbert/max-sim.ts";
import { ownAmongAll } from "../embeddings/losses.ts";
import { pairsReading } from "../embeddings/reading.ts";
import { exampleLoader } from "../example-loader.ts";
import { jointExampleModel } from "../example-model.ts";
import type { DeviceExampleRow, HostTensor } from "../example-model.ts";
import type { Objective, TrainableModel } from "../objective.ts";
import { rowRanking } from "../row-ranking.ts";
import { defaultValues, numberOf } from "../settings.ts";
import type { ObjectiveSettings, SettingValues } from "../settings.ts";

/** Which sequences of the row are what, i32. */
type Input = "anchors" | "positives" | "negatives";

const weight = scalar.log(scalar.add(1, scalar.max(x(0), 0)));
const square = scalar.mul(x(0), x(0));

/** Σ over the vocabulary of the squared mean weight: [N, V] → [1]. */
export function flops(weights: Tensor): Tensor {
  return weights.runtime.scope(() => sumAll(map(square, [mean(weights, [0])])));
}

function spladeModel(
  encoder: Encoder,
  options: { readonly seed: number },
  values: SettingValues,
): TrainableModel<ExampleRow, DeviceExampleRow<Input>> {
  const [ofQueries, ofDocuments] = ["query_regulariser", "document_regulariser"].map((name) => numberOf(values, name));
  return jointExampleModel(encoder, options, {
    metrics: [],
    heldOut: rowRanking(({ cuSeqlens }, weights) => (query, document) => {
      const width = weights.length / (cuSeqlens.length - 1);
      let product = 0;
      for (let at = 0; at < width; at++) product += weights[query * width + at]! * weights[document * width + at]!;
      return product;
    }),
    inputs({ firstSequence }) {
      const starts = [...firstSequence.subarray(0, -1)];
      return {
        anchors: places(starts),
        positives: places(starts.map((start) => start + 1)),
        negatives: places(
          starts.flatMap((start, at) =>
            Array.from({ length: firstSequence[at + 1]! - start - 2 }, (_, negative) => start + 2 + negative),
          ),
        ),
      };
    },
    represent(hidden, { batch: { host } }) {
      const weights = map(weight, [maskedLmLogits(encoder, hidden)]);
      const sequences = Array.from({ length: host.cuSeqlens.length - 1 }, (_, at) =>
        sequenceOf(weights, host.cuSeqlens, at),
      );
      return concat(
        sequences.map((each) => max(each, [0])),
        0,
      );
    },
    shape: ({ batch: { host } }) => [host.cuSeqlens.length - 1, encoder.info.vocabSize],
    loss(representations, rows) {
      const picked = (role: Input): Tensor[] =>
        rows.flatMap(({ inputs }, at) => (inputs[role].size === 0 ? [] : [gather(representations[at]!, inputs[role])]));
      const queries = concat(picked("anchors"), 0);
      const documents = concat([...picked("positives"), ...picked("negatives")], 0);
      const ranking = ownAmongAll(matmul(queries, transpose(documents)));
      const regulariser = add(scale(flops(queries), ofQueries!), scale(flops(documents), ofDocuments!));
      return { lossSum: add(ranking, scale(regulariser, queries.shape[0]!)), sums: [] };
    },
  });
}

function places(all: readonly number[]): HostTensor {
  return { values: Int32Array.from(all), shape: [all.length] };
}

const settings: ObjectiveSettings = {
  section: "sparsity",
  description: "How few words stand for a text.",
  fields: {
    query_regulariser: { kind: "number", default: 5e-5, description: "Weight of the FLOPS regulariser of anchors." },
    document_regulariser: { kind: "number", default: 3e-5, description: "The same of positives and negatives." },
  },
  evaluation: {},
};

export const spladeObjective: Objective<ExampleRow, ExampleStore> = {
  name: "splade",
  head: "masked-lm",
  reading: pairsReading,
  joint: true,
  lossUnit: "per query",
  metrics: [],
  settings,
  model: (encoder, options, values = defaultValues(settings)) => spladeModel(encoder, options, values),
  loader: (data, batches, _values, state) =>
    exampleLoader(data, { ...batches, allRows: true }, ({ examples }) => examples.length, state),
  epochTokens: ({ store }) => store.tokens,
  baselines: () => [],
};
