/** Pooling on the host, in f64: all modes of sentence-transformers, several one behind another, without the tokens of a prompt. */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { PoolingMode } from "../folder/pooling.ts";

/**
 * rows [T, width] of sequences that begin at `cuSeqlens` → one vector of `modes.length * width` numbers each.
 * @param skip tokens at the beginning of each sequence that do not count; positions go on from the sequence's beginning.
 */
export function poolRows(
  rows: Float32Array,
  width: number,
  cuSeqlens: Int32Array,
  modes: readonly PoolingMode[],
  skip: number,
): Float32Array[] {
  return Array.from(cuSeqlens.subarray(1), (end, index) => {
    const start = cuSeqlens[index]!;
    const from = start + skip;
    if (from >= end) {
      throw new TensorError(
        "embed",
        `expected tokens behind the prompt's ${skip}, got a sequence of ${end - start}: use a shorter prompt`,
      );
    }
    const tokens: Tokens = { rows, width, start, from, end };
    const vector = new Float32Array(modes.length * width);
    for (const [at, mode] of modes.entries()) vector.set(poolings[mode](tokens), at * width);
    return vector;
  });
}

/** A sequence's rows: from `start`, counted from `from`, up to `end`. */
interface Tokens {
  readonly rows: Float32Array;
  readonly width: number;
  readonly start: number;
  readonly from: number;
  readonly end: number;
}

const poolings: Readonly<Record<PoolingMode, (tokens: Tokens) => ArrayLike<number>>> = {
  cls: (tokens) => rowOf(tokens, tokens.from),
  lasttoken: (tokens) => rowOf(tokens, tokens.end - 1),
  max(tokens) {
    const largest = rowOf(tokens, tokens.from).slice();
    for (let row = tokens.from + 1; row < tokens.end; row++) {
      for (const [at, value] of rowOf(tokens, row).entries()) largest[at] = Math.max(largest[at]!, value);
    }
    return largest;
  },
  mean: (tokens) => weighted(tokens, () => 1, 1),
  mean_sqrt_len_tokens: (tokens) => weighted(tokens, () => 1, 0.5),
  weightedmean: (tokens) => weighted(tokens, (position) => position + 1, 1),
};

function rowOf({ rows, width }: Tokens, row: number): Float32Array {
  return rows.subarray(row * width, (row + 1) * width);
}

/** Σ weight(position) · row / (Σ weight)^power */
function weighted(tokens: Tokens, weight: (position: number) => number, power: number): Float64Array {
  const sum = new Float64Array(tokens.width);
  let total = 0;
  for (let row = tokens.from; row < tokens.end; row++) {
    const factor = weight(row - tokens.start);
    total += factor;
    for (const [at, value] of rowOf(tokens, row).entries()) sum[at]! += factor * value;
  }
  return sum.map((value) => value / total ** power);
}
