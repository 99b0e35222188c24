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
import { dropoutOf, overwriteDraw, uploadDraw } from "../../src/objectives/dropout-draw.ts";
import { maskedLmMetrics } from "../../src/objectives/masked-lm/model.ts";
import type { MaskedRow } from "../../src/objectives/masked-lm/mask.ts";
import type { TrainableModel } from "../../src/objectives/objective.ts";

export interface TinyModelOptions {
  readonly vocabSize: number;
  readonly width?: number;
  readonly dropoutRate?: number;
}

interface TinyRow {
  readonly ids: Tensor;
  readonly positions: Tensor;
  readonly labels: Tensor;
  readonly draw: Tensor | undefined;
}

export function tinyModel(
  runtime: Runtime,
  { vocabSize, width = 8, dropoutRate = 0 }: TinyModelOptions,
): TrainableModel<MaskedRow, TinyRow> {
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
    copies: new Map(),
    metrics: maskedLmMetrics,
    upload(row, step) {
      const upload = (values: Int32Array): Tensor => runtime.tensor(values, [values.length], "i32");
      return {
        ids: upload(row.ids),
        positions: upload(row.maskedPositions),
        labels: upload(row.maskedLabels),
        draw: uploadDraw(runtime, step),
      };
    },
    overwrite({ ids, positions, labels, draw }, row, step) {
      runtime.write(ids, row.ids);
      runtime.write(positions, row.maskedPositions);
      runtime.write(labels, row.maskedLabels);
      overwriteDraw(draw, step);
    },
    forward({ ids, positions, labels, draw }) {
      const embedded = layerNorm(gather(embedding, ids), norm, null, 1e-5);
      const hidden = map(scalar.tanh(x(0)), [linear(gather(embedded, positions), square)]);
      const { dropout: named } = dropoutOf(draw, 9);
      const dropped = named ? dropout(hidden, dropoutRate, { ...named, stream: 7 }) : hidden;
      const { lossSum, correct } = linearCrossEntropy(dropped, embedding, bias, labels);
      return { lossSum, sums: [correct] };
    },
  };
}
