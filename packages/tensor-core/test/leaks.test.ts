/** Operations outside a scope leave one tensor behind, their result: no intermediate stays alive without an owner. */
import { expect, it } from "vitest";
import {
  add,
  cast,
  concat,
  contiguous,
  dropout,
  expand,
  full,
  gather,
  glu,
  int4Linear,
  int8Linear,
  iota,
  layerNorm,
  linear,
  linearCrossEntropy,
  logSumExp,
  matmul,
  max,
  mean,
  permute,
  putAlong,
  quantizeInt8,
  reshape,
  residualLayerNorm,
  rope,
  Runtime,
  scale,
  segmentSum,
  slice,
  sum,
  sumAll,
  sumTo,
  takeAlong,
  Tensor,
  transpose,
  truncatedNormal,
  uniform,
  valueAndGradients,
  varlenAttention,
} from "../src/index.ts";
import { createTypeScriptBackend } from "./backend.ts";

const backend = createTypeScriptBackend();
const runtime = new Runtime(backend);
const numbers = (...shape: number[]): Tensor =>
  runtime.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => (at % 7) - 3),
    shape,
  );
const whole = (...values: number[]): Tensor => runtime.tensor(values, [values.length], "i32");

/** Strided on purpose: what an operation copies to make it dense must go too. */
const a = transpose(numbers(4, 6));
const ids = runtime.tensor([0, 1, 5, 2], [2, 2], "i32");
const columns = transpose(runtime.tensor([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], [2, 6], "i32"));
const cube = expand(a, [2, 6, 4]);
const pair = slice(a, 1, 0, 2);
const weight = numbers(3, 4);
const bias = numbers(3);
const wide = numbers(4);
const qkv = permute(numbers(3, 6, 2, 4), [1, 0, 2, 3]);
const bounds = whole(0, 2, 6);
const positions = whole(0, 1, 2, 3, 0, 1);
const angles = numbers(8, 2);
const { words, scales } = quantizeInt8(new Float32Array(12).fill(0.5), 3, 4);
const bytes = runtime.tensor(words, [3, 1], "i32");
const units = runtime.tensor(scales, [3]);
const halfBytes = runtime.tensor(new Int32Array(48), [3, 16], "i32");
const groupUnits = runtime.tensor(new Float32Array(3), [3, 1]);
const labels = whole(0, 1, 2, -1, 1, 0);
const draw = { seed: 1, stream: 2 };

const operations: Record<string, () => unknown> = {
  add: () => add(a, wide),
  cast: () => cast(a, "f16"),
  concat: () => concat([a, a], 0),
  contiguous: () => contiguous(a),
  dropout: () => dropout(a, 0.5, draw),
  expand: () => expand(a, [2, 6, 4]),
  full: () => full(runtime, [2], 1),
  gather: () => gather(a, ids),
  glu: () => glu(a, "gelu"),
  int4Linear: () => int4Linear(a, halfBytes, groupUnits, bias),
  int8Linear: () => int8Linear(a, bytes, units, bias),
  iota: () => iota(runtime, [3]),
  layerNorm: () => layerNorm(a, wide, wide, 1e-5),
  linear: () => linear(a, weight, bias),
  linearCrossEntropy: () => linearCrossEntropy(a, weight, bias, labels),
  "linear over three axes": () => linear(cube, weight, bias),
  logSumExp: () => logSumExp(a),
  matmul: () => matmul(a, transpose(weight)),
  max: () => max(a, [0]),
  mean: () => mean(a),
  putAlong: () => putAlong(pair, columns, 5),
  reshape: () => reshape(a, [24]),
  residualLayerNorm: () => residualLayerNorm(a, a, wide, null, { eps: 1e-5 }),
  rope: () => rope(qkv, angles, angles, positions),
  scale: () => scale(a, 2),
  segmentSum: () => segmentSum(a, positions, 5),
  sum: () => sum(a, [1]),
  sumAll: () => sumAll(a),
  sumTo: () => sumTo(a, [4]),
  takeAlong: () => takeAlong(a, columns),
  truncatedNormal: () => truncatedNormal(runtime, [3], 1, 2, draw),
  uniform: () => uniform(runtime, [3], draw),
  valueAndGradients: () => valueAndGradients(runtime, [a], () => mean(linear(a, weight, bias))),
  varlenAttention: () => varlenAttention(qkv, bounds, { scale: 1, window: 1, maxSeqlen: 4 }),
};

function dispose(result: unknown): void {
  if (result instanceof Tensor) result.dispose();
  else for (const part of Object.values(result as object)) if (part) dispose(part);
}

it.each(Object.keys(operations))("%s leaves nothing behind", (name) => {
  const before = backend.memory().liveBuffers;
  dispose(operations[name]!());
  expect(backend.memory().liveBuffers).toBe(before);
});
