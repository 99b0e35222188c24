/** The smallest model that trains: embedding, norm, one square layer, dropout, tied decoder on the masked positions. */
import {
  dropout,
  gather,
  layerNorm,
  linear,
  linearCrossEntropy,
  map,
  scalar,
  truncatedNormal,
  x,
} from "@modernbert-ts/tensor-core";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { maskedLmMetrics } from "../../src/objectives/masked-lm/model.ts";
import type { MaskedRow } from "../../src/objectives/masked-lm/mask.ts";
import type { TrainableModel } from "../../src/objectives/objective.ts";

export interface TinyModelOptions {
  readonly vocabSize: number;
  readonly width?: number;
  readonly dropoutRate?: number;
}

export function tinyModel(
  runtime: Runtime,
  { vocabSize, width = 8, dropoutRate = 0 }: TinyModelOptions,
): TrainableModel<MaskedRow> {
  const random = (shape: readonly number[], stream: number): Tensor =>
    runtime.keep(truncatedNormal(runtime, shape, 0.2, 2, { seed: 5, stream }));
  const embedding = random([vocabSize, width], 1);
  const square = random([width, width], 2);
  const norm = runtime.tensor(new Float32Array(width).fill(1), [width]);
  const bias = runtime.tensor(new Float32Array(vocabSize), [vocabSize]);
  return {
    runtime,
    parameters: new Map([
      ["embedding.weight", embedding],
      ["norm.weight", norm],
      ["square.weight", square],
      ["decoder.bias", bias],
    ]),
    metrics: maskedLmMetrics,
    forward(row, step) {
      const ids = runtime.tensor(row.ids, [row.ids.length], "i32");
      const positions = runtime.tensor(row.maskedPositions, [row.maskedPositions.length], "i32");
      const labels = runtime.tensor(row.maskedLabels, [row.maskedLabels.length], "i32");
      const embedded = layerNorm(gather(embedding, ids), norm, null, 1e-5);
      const hidden = map(scalar.tanh(x(0)), [linear(gather(embedded, positions), square)]);
      const dropped = step ? dropout(hidden, dropoutRate, { seed: 9, stream: step.row, step: step.step }) : hidden;
      const { lossSum, correct } = linearCrossEntropy(dropped, embedding, bias, labels);
      return { lossSum, sums: [correct] };
    },
  };
}
