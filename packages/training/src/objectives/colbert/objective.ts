/**
 * ColBERT (arXiv 2004.12832): texts are compared token by token (MaxSim), trained by InfoNCE over the step, with hard negatives. Vectors are
 * the encoder's last hidden states, of length 1; there is no projection behind them.
 */
import type { Encoder } from "@modernbert-ts/encoder";
import { cast, gather, scale } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { ExampleRow } from "../../data/examples/example-row.ts";
import type { ExampleStore } from "../../data/examples/example-store.ts";
import { ownAmongAll, unit } from "../embeddings/losses.ts";
import { pairsReading } from "../embeddings/reading.ts";
import { exampleLoader } from "../example-loader.ts";
import { jointExampleModel } from "../example-model.ts";
import type { DeviceExampleRow } from "../example-model.ts";
import type { Objective, TrainableModel } from "../objective.ts";
import { rowRanking } from "../row-ranking.ts";
import { defaultValues, numberOf } from "../settings.ts";
import type { ObjectiveSettings, SettingValues } from "../settings.ts";
import { maxSim, sequenceOf } from "./max-sim.ts";

/** Places of the queries' tokens in the row, and which query each belongs to. */
type Input = "queryTokens" | "owners";

function colbertModel(
  encoder: Encoder,
  options: { readonly seed: number },
  values: SettingValues,
): TrainableModel<ExampleRow, DeviceExampleRow<Input>> {
  const temperature = numberOf(values, "temperature");
  return jointExampleModel(encoder, options, {
    metrics: [],
    heldOut: rowRanking(({ cuSeqlens }, vectors) => (query, document) => {
      const width = vectors.length / cuSeqlens.at(-1)!;
      const tokens = (sequence: number): Float32Array =>
        vectors.subarray(cuSeqlens[sequence]! * width, cuSeqlens[sequence + 1]! * width);
      return hostMaxSim(tokens(query), tokens(document), width);
    }),
    inputs({ cuSeqlens, firstSequence }) {
      const places = [...firstSequence.subarray(0, -1)].flatMap((sequence, query) =>
        Array.from({ length: cuSeqlens[sequence + 1]! - cuSeqlens[sequence]! }, (_, at) => [
          cuSeqlens[sequence]! + at,
          query,
        ]),
      );
      const column = (of: 0 | 1): Int32Array => Int32Array.from(places, (place) => place[of]!);
      const shape = [places.length];
      return { queryTokens: { values: column(0), shape }, owners: { values: column(1), shape } };
    },
    represent: (hidden) => unit(cast(hidden, encoder.precision.reduce)),
    shape: ({ batch: { host } }) => [host.ids.length, encoder.info.hiddenSize],
    loss(representations, rows) {
      const queries = rows.map(({ inputs, firstSequence }, at) => ({
        tokens: gather(representations[at]!, inputs.queryTokens),
        owners: inputs.owners,
        count: firstSequence.length - 1,
      }));
      const positives = rows.flatMap((row, at) => documents(representations[at]!, row, "positives"));
      const negatives = rows.flatMap((row, at) => documents(representations[at]!, row, "negatives"));
      const scores = maxSim(queries, [...positives, ...negatives]);
      return { lossSum: ownAmongAll(scale(scores, 1 / temperature)), sums: [] };
    },
  });
}

function documents(
  vectors: Tensor,
  { batch, firstSequence }: DeviceExampleRow,
  which: "positives" | "negatives",
): Tensor[] {
  return [...firstSequence.subarray(0, -1)].flatMap((first, example) => {
    const end = firstSequence[example + 1]!;
    const [from, to] = which === "positives" ? [first + 1, first + 2] : [first + 2, end];
    return Array.from({ length: Math.max(0, to - from) }, (_, at) =>
      sequenceOf(vectors, batch.host.cuSeqlens, from + at),
    );
  });
}

/** The same on the host. */
export function hostMaxSim(query: Float32Array, document: Float32Array, width: number): number {
  let sum = 0;
  for (let q = 0; q < query.length; q += width) {
    let best = -Infinity;
    for (let d = 0; d < document.length; d += width) {
      let product = 0;
      for (let at = 0; at < width; at++) product += query[q + at]! * document[d + at]!;
      best = Math.max(best, product);
    }
    sum += best;
  }
  return sum;
}

const settings: ObjectiveSettings = {
  section: "interaction",
  description: "How texts are compared.",
  fields: { temperature: { kind: "share", default: 1, description: "What the sums of likenesses are divided by." } },
  evaluation: {},
};

export const colbertObjective: Objective<ExampleRow, ExampleStore> = {
  name: "colbert",
  head: "none",
  reading: pairsReading,
  joint: true,
  lossUnit: "nats per query",
  metrics: [],
  settings,
  model: (encoder, options, values = defaultValues(settings)) => colbertModel(encoder, options, values),
  loader: (data, batches, _values, state) =>
    exampleLoader(data, { ...batches, allRows: true }, ({ examples }) => examples.length, state),
  epochTokens: ({ store }) => store.tokens,
  baselines: () => [],
};
