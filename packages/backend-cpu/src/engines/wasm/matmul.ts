/** `matmul` in f32 by the WebAssembly kernels, batch by batch; other dtypes go to the TypeScript kernel. */
import type { PrimitiveAttrs, PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { matmulKernels } from "../typescript/matmul.ts";
import type { Operand } from "../typescript/operand.ts";
import { addressOf } from "./context.ts";
import type { Threads } from "./threads.ts";

/** The largest block of a task (wasm/assembly/matmul.ts, narrow-linear.ts). */
const [maxRows, maxColumns] = [128, 256];
const minColumns = 32;
/** Up to so many rows the factors are multiplied where they lie. */
const maxDotRows = 16;
/** Tasks for each thread, so that no thread waits long for the last one. */
const tasksPerThread = 4;

export type Multiply = (out: Operand, a: Operand, b: Operand, attrs?: Partial<PrimitiveAttrs["matmul"]>) => void;

export function createMatmul(threads: Threads): PrimitiveKernels<Operand>["matmul"] {
  const multiply = createMultiply(threads);
  return (outputs, inputs, attrs) => {
    const [out] = outputs as [Operand];
    const [a, b] = inputs as [Operand, Operand];
    if ([out, a, b].some(({ dtype }) => dtype !== "f32")) {
      matmulKernels.matmul(outputs, inputs, attrs);
      return;
    }
    const batch = out.shape.slice(0, -2);
    eachIndex(batch, (index) => {
      multiply(matrixAt(out, index), matrixAt(a, index), matrixAt(b, index), attrs);
    });
  };
}

/** out [M, N] = alpha · a [M, K] · b [K, N], plus the old out when `accumulate`; all f32 with any strides. */
export function createMultiply(threads: Threads): Multiply {
  return (out, a, b, { alpha = 1, accumulate = false } = {}) => {
    const [rows, columns] = out.shape as [number, number];
    const depth = a.shape[1]!;
    if (rows === 0 || columns === 0) return;
    if (rows <= maxDotRows && depth % 4 === 0 && a.strides[1] === 1 && b.strides[0] === 1) {
      dotProducts(threads, out, a, b, [alpha, accumulate ? 1 : 0]);
      return;
    }
    const { tasks, blockRows, blockColumns } = splitIntoBlocks(rows, columns, threads);
    const addresses = [out, a, b].map(addressOf);
    const strides = [out, a, b].flatMap((matrix) => matrix.strides);
    const sizes = [rows, columns, depth];
    const attributes = [alpha, accumulate ? 1 : 0, blockRows, blockColumns];
    threads.run("matmul", tasks, ...addresses, ...sizes, ...strides, ...attributes);
  };
}

/** A few rows of a whose elements lie along the shared dimension, as do those of b. */
function dotProducts({ run, count }: Threads, out: Operand, a: Operand, b: Operand, attributes: number[]): void {
  const [rows, columns] = out.shape as [number, number];
  const perTask = Math.max(minColumns, 2 * Math.ceil(columns / (2 * count * tasksPerThread)));
  const sizes = [rows, columns, a.shape[1]!];
  const strides = [...out.strides, a.strides[0]!, b.strides[1]!];
  const addresses = [out, a, b].map(addressOf);
  run("dotProducts", Math.ceil(columns / perTask), ...addresses, ...sizes, ...strides, ...attributes, perTask);
}

export interface Blocks {
  readonly tasks: number;
  readonly blockRows: number;
  readonly blockColumns: number;
}

/** Splits a product into blocks, one for each task: as large as possible, but some for each thread. */
export function splitIntoBlocks(rows: number, columns: number, { count }: Threads): Blocks {
  const blockRows = Math.min(maxRows, rows);
  const blocks = (blockColumns: number): number => Math.ceil(rows / blockRows) * Math.ceil(columns / blockColumns);
  const wanted = count === 1 ? 1 : count * tasksPerThread;
  let blockColumns = maxColumns;
  while (blockColumns > minColumns && blocks(blockColumns) < wanted) blockColumns /= 2;
  return { tasks: blocks(blockColumns), blockRows, blockColumns };
}

/** The matrix of a batched operand at a position of its batch axes. */
function matrixAt(operand: Operand, index: readonly number[]): Operand {
  const offset = index.reduce((sum, at, axis) => sum + at * operand.strides[axis]!, operand.offset);
  return { ...operand, shape: operand.shape.slice(-2), strides: operand.strides.slice(-2), offset };
}

function eachIndex(shape: readonly number[], visit: (index: readonly number[]) => void): void {
  const count = shape.reduce((product, extent) => product * extent, 1);
  for (let position = 0; position < count; position++) {
    const index: number[] = [];
    let rest = position;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index.unshift(rest % shape[axis]!);
      rest = Math.floor(rest / shape[axis]!);
    }
    visit(index);
  }
}
