/**
 * The primitives in double precision, as plain loops over logical indices, written from their documented definitions only.
 * Results are exact values before any rounding, with the sizes of the terms that sums were made of.
 */
import { denseStrides, sizeOf } from "@modernbert-ts/tensor-core";
import type { Expression, PrimitiveAttrs, Shape } from "@modernbert-ts/tensor-core";
import { scalarTable } from "@modernbert-ts/tensor-core";
import type { Expected } from "../compare.ts";
import { addressesOf, indexOf } from "../nd-array.ts";
import type { NdArray } from "../nd-array.ts";

export function iotaOracle(shape: Shape, { start, step }: PrimitiveAttrs["iota"]): Float64Array {
  return fromIndices(shape, (index) => start + step * (index.at(-1) ?? 0));
}

/** Inputs have the shape of the result. */
export function mapOracle(shape: Shape, expression: Expression, inputs: readonly NdArray[]): Float64Array {
  return Float64Array.from({ length: sizeOf(shape) }, (_, position) => {
    return evaluate(
      expression,
      inputs.map((input) => input.values[position]!),
    );
  });
}

function evaluate(expression: Expression, inputs: readonly number[]): number {
  switch (expression.kind) {
    case "input":
      return inputs[expression.index]!;
    case "constant":
      return expression.value;
    case "call": {
      const [a = 0, b = 0, c = 0] = expression.args.map((argument) => evaluate(argument, inputs));
      return scalarTable[expression.name].evaluate(a, b, c);
    }
    default:
      return expression satisfies never;
  }
}

export function reduceOracle(
  x: NdArray,
  { kind, axes }: PrimitiveAttrs["reduce"],
): Expected & { readonly shape: Shape } {
  const shape = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const values = new Float64Array(sizeOf(shape)).fill(kind === "sum" ? 0 : -Infinity);
  const magnitudes = new Float64Array(sizeOf(shape));
  // Where each element goes: reduced axes do not move the place of the result.
  const strides = denseStrides(shape).map((stride, axis) => (axes.includes(axis) ? 0 : stride));
  const places = addressesOf(x.shape, strides, 0);
  for (let position = 0; position < x.values.length; position++) {
    const at = places[position]!;
    const value = x.values[position]!;
    values[at] = kind === "sum" ? values[at]! + value : Math.max(values[at]!, value);
    magnitudes[at]! += kind === "sum" ? Math.abs(value) : 0;
  }
  return { shape, values, magnitudes, terms: axes.reduce((count, axis) => count * x.shape[axis]!, 1) };
}

/** a [B…, M, K], b [B…, K, N]; `before` is the old content of the result where the product is added to it. */
export function matmulOracle(
  a: NdArray,
  b: NdArray,
  alpha: number,
  before?: NdArray,
): Expected & { readonly shape: Shape } {
  const shape = [...a.shape.slice(0, -1), b.shape.at(-1)!];
  const [rows, columns, depth] = [a.shape.at(-2)!, b.shape.at(-1)!, a.shape.at(-1)!];
  const values = new Float64Array(sizeOf(shape));
  const magnitudes = new Float64Array(sizeOf(shape));
  for (let position = 0; position < values.length; position++) {
    const column = position % columns;
    const row = Math.floor(position / columns);
    const batch = Math.floor(row / rows);
    let sum = 0;
    let magnitude = 0;
    for (let k = 0; k < depth; k++) {
      const term = a.values[row * depth + k]! * b.values[(batch * depth + k) * columns + column]!;
      sum += term;
      magnitude += Math.abs(term);
    }
    const old = before?.values[position] ?? 0;
    values[position] = alpha * sum + old;
    magnitudes[position] = Math.abs(alpha) * magnitude + Math.abs(old);
  }
  return { shape, values, magnitudes, terms: depth + 1 };
}

/** Ids outside the table give zeros. */
export function gatherOracle(table: NdArray, ids: NdArray): Float64Array {
  const [rows, width] = table.shape as [number, number];
  return fromIndices([ids.shape[0]!, width], ([i, column]) => {
    const id = ids.values[i!]!;
    return id >= 0 && id < rows ? table.values[id * width + column!]! : 0;
  });
}

/** Ids outside the table add nothing. */
export function segmentSumOracle(values: NdArray, ids: NdArray, rows: number): Expected {
  const [count, width] = values.shape as [number, number];
  const sums = new Float64Array(rows * width);
  const magnitudes = new Float64Array(rows * width);
  for (let i = 0; i < count; i++) {
    const id = ids.values[i]!;
    if (id < 0 || id >= rows) continue;
    for (let column = 0; column < width; column++) {
      sums[id * width + column]! += values.values[i * width + column]!;
      magnitudes[id * width + column]! += Math.abs(values.values[i * width + column]!);
    }
  }
  return { values: sums, magnitudes, terms: count };
}

export function takeAlongOracle(x: NdArray, ids: NdArray): Float64Array {
  const width = x.shape[1]!;
  return fromIndices(ids.shape, ([row, j]) => {
    const id = ids.values[row! * ids.shape[1]! + j!]!;
    return id >= 0 && id < width ? x.values[row! * width + id]! : 0;
  });
}

export function putAlongOracle(values: NdArray, ids: NdArray, columns: number): Expected {
  const [rows, given] = values.shape as [number, number];
  const sums = new Float64Array(rows * columns);
  const magnitudes = new Float64Array(rows * columns);
  for (let position = 0; position < rows * given; position++) {
    const id = ids.values[position]!;
    if (id < 0 || id >= columns) continue;
    const at = Math.floor(position / given) * columns + id;
    sums[at]! += values.values[position]!;
    magnitudes[at]! += Math.abs(values.values[position]!);
  }
  return { values: sums, magnitudes, terms: given };
}

function fromIndices(shape: Shape, value: (index: number[]) => number): Float64Array {
  return Float64Array.from({ length: sizeOf(shape) }, (_, position) => value(indexOf(shape, position)));
}
