/**
 * Attention over packed sequences by blocks of queries: scores, softmax and the weighted sum of one block at a time, all products by
 * the matmul kernel. Costs O(T · (window + block)); the reference would gather every key of every query.
 * The backward pass computes the probabilities again instead of keeping them.
 */
import { expectDtypes, expectNoDropout, firstRefusal } from "@modernbert-ts/device-kit";
import { DeviceValueError } from "@modernbert-ts/tensor-core";
import type { CompositeAttrs, FusedKernel, View } from "@modernbert-ts/tensor-core";
import { scratch } from "../operand.ts";
import type { Operand } from "../operand.ts";
import { fillDense, matrix, multiply, transpose } from "./matrix.ts";

type Attrs = CompositeAttrs["varlenAttention"];

/** Queries that share one range of keys. */
const blockQueries = 64;
/** The matmul kernel works in the scratch slots below. */
const [probabilitySlot, gradientSlot] = [4, 5];

export function varlenAttentionKernel(resolve: (view: View) => Operand): FusedKernel<"varlenAttention"> {
  return {
    supports: ({ attrs, inputs }) => firstRefusal([expectDtypes("varlenAttention", inputs), expectNoDropout(attrs)]),
    saved: () => [],
    backwardReads: { inputs: [0, 1], outputs: [] },
    forward({ attrs, inputs: [qkvView, ends], outputs: [outView] }) {
      const [qkv, out] = [resolve(qkvView!), resolve(outView!)];
      eachBlock(qkv, resolve(ends!), attrs, (block) => {
        const { queries, keys, head } = block;
        multiply(headRows(out, 0, head, queries), softmaxBlock(qkv, block, attrs), part(qkv, 2, head, keys));
      });
    },
    backward({ attrs, inputs: [qkvView, ends], gradOutputs: [gradView], gradInputs: [resultView] }) {
      if (!resultView) return;
      const [qkv, result] = [resolve(qkvView!), resolve(resultView)];
      fillDense(result, 0);
      if (!gradView) return;
      const gradOut = resolve(gradView);
      eachBlock(qkv, resolve(ends!), attrs, (block) => {
        const { queries, keys, head } = block;
        const [query, key, value] = [part(qkv, 0, head, queries), part(qkv, 1, head, keys), part(qkv, 2, head, keys)];
        const gradRows = headRows(gradOut, 0, head, queries);
        const probabilities = softmaxBlock(qkv, block, attrs);
        const gradScores = blockMatrix(gradientSlot, block);
        multiply(part(result, 2, head, keys), transpose(probabilities), gradRows, { accumulate: true });
        multiply(gradScores, gradRows, transpose(value));
        softmaxGradient(probabilities, gradScores);
        multiply(part(result, 0, head, queries), gradScores, key, { alpha: attrs.scale, accumulate: true });
        multiply(part(result, 1, head, keys), transpose(gradScores), query, { alpha: attrs.scale, accumulate: true });
      });
    },
  };
}

interface Rows {
  readonly from: number;
  readonly to: number;
}

interface Block {
  readonly head: number;
  readonly queries: Rows;
  /** Every key that one of the queries may see. */
  readonly keys: Rows;
}

function eachBlock(qkv: Operand, ends: Operand, { window }: Attrs, visit: (block: Block) => void): void {
  const [tokens, , heads] = qkv.shape as [number, number, number];
  const borders = ends.data.subarray(ends.offset, ends.offset + ends.shape[0]!);
  if (borders[0] !== 0 || borders.at(-1) !== tokens || borders.some((end, i) => i > 0 && end < borders[i - 1]!)) {
    throw new DeviceValueError(
      "varlenAttention",
      `expected cuSeqlens that rise from 0 to ${tokens}, got [${borders.join(", ")}]`,
    );
  }
  for (let sequence = 1; sequence < borders.length; sequence++) {
    const [start, end] = [borders[sequence - 1]!, borders[sequence]!];
    for (let from = start; from < end; from += blockQueries) {
      const queries = { from, to: Math.min(from + blockQueries, end) };
      const keys =
        window === null
          ? { from: start, to: end }
          : { from: Math.max(start, from - window), to: Math.min(end, queries.to + window) };
      for (let head = 0; head < heads; head++) visit({ head, queries, keys });
    }
  }
}

/** softmax(q·kᵀ · scale) of a block [queries, keys], zero where a key lies outside a query's window. */
function softmaxBlock(qkv: Operand, block: Block, { scale, window }: Attrs): Operand {
  const { head, queries, keys } = block;
  const result = blockMatrix(probabilitySlot, block);
  multiply(result, part(qkv, 0, head, queries), transpose(part(qkv, 1, head, keys)), { alpha: scale });
  const width = keys.to - keys.from;
  for (let query = queries.from; query < queries.to; query++) {
    const row = result.data.subarray((query - queries.from) * width, (query - queries.from + 1) * width);
    const low = window === null ? 0 : Math.max(0, query - window - keys.from);
    const high = window === null ? width : Math.min(width, query + window + 1 - keys.from);
    row.fill(0, 0, low);
    row.fill(0, high, width);
    softmax(row.subarray(low, high));
  }
  return result;
}

function softmax(row: Operand["data"]): void {
  let largest = -Infinity;
  for (let i = 0; i < row.length; i++) largest = Math.max(largest, row[i]!);
  let total = 0;
  for (let i = 0; i < row.length; i++) {
    const value = Math.exp(row[i]! - largest);
    row[i] = value;
    total += value;
  }
  for (let i = 0; i < row.length; i++) row[i]! /= total;
}

/** Turns gradients of probabilities into gradients of scores, in place: p · (g - Σ p·g). */
function softmaxGradient(probabilities: Operand, gradients: Operand): void {
  const [rows, width] = probabilities.shape as [number, number];
  for (let row = 0; row < rows; row++) {
    const p = probabilities.data.subarray(row * width, (row + 1) * width);
    const g = gradients.data.subarray(row * width, (row + 1) * width);
    let mean = 0;
    for (let i = 0; i < width; i++) mean += p[i]! * g[i]!;
    for (let i = 0; i < width; i++) g[i] = p[i]! * (g[i]! - mean);
  }
}

function blockMatrix(slot: number, { queries, keys }: Block): Operand {
  const [rows, width] = [queries.to - queries.from, keys.to - keys.from];
  return matrix("f64", scratch(slot, rows * width), 0, [rows, width], [width, 1]);
}

/** Rows of q (0), k (1) or v (2) of one head. */
function part(qkv: Operand, which: number, head: number, rows: Rows): Operand {
  return headRows(qkv, which * qkv.strides[1]!, head, rows);
}

/** Rows of one head of a tensor [T, …, H, D]. */
function headRows(tensor: Operand, offset: number, head: number, { from, to }: Rows): Operand {
  const width = tensor.shape.at(-1)!;
  const stride = tensor.strides[0]!;
  const start = tensor.offset + offset + head * width + from * stride;
  return matrix(tensor.dtype, tensor.data, start, [to - from, width], [stride, 1]);
}
