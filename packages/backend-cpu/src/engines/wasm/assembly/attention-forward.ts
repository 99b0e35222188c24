/**
 * Attention over packed sequences, forward: one head of a block of queries for each task, against its keys in tiles with a running
 * maximum and sum (online softmax), so that memory does not grow with the length. Scores are in base 2.
 */
import { exp2OfNegative, log } from "./math";
import { multiplyPanels, packColumns, packRows, panelColumns, roundUp } from "./panels";
import { at, laneMax, laneSum, storePart } from "./vector";

/** Queries of a block and keys of a tile; the scratch memory has room for heads of up to 256 (wasm/fused/varlen-attention.ts). */
export const blockQueries: i32 = 64;
const tileKeys: i32 = 128;
export const log2E: f32 = Mathf.LOG2E;

/**
 * qkv [tokens, 3, heads, dim] → out [tokens, heads, dim]; lse [heads, tokens] (or 0) gets the log-sum-exp of each query's scores.
 * blocks i32 [tasks / heads, 3]: first query of the block, start and end of its sequence. Task t is head t % heads of block t / heads.
 * `window` < 0 is none.
 */
export function attentionForward(
  scratch: usize,
  task: i32,
  out: usize,
  lse: usize,
  qkv: usize,
  blocks: usize,
  tokens: i32,
  heads: i32,
  dim: i32,
  scale: f32,
  window: i32,
): void {
  const head = task % heads;
  const block = at(blocks, 3 * (task / heads));
  const from = load<i32>(block);
  const start = load<i32>(block, 4);
  const end = load<i32>(block, 8);
  const count = min(blockQueries, end - from);
  const low = window < 0 ? start : max(start, from - window);
  const high = window < 0 ? end : min(end, from + count + window);

  const width = roundUp(dim, panelColumns);
  const queries = scratch;
  const keys = at(queries, blockQueries * dim);
  const values = at(keys, tileKeys * dim);
  const scores = at(values, tileKeys * width);
  const weights = at(scores, blockQueries * tileKeys);
  const sums = at(weights, blockQueries * tileKeys);
  const maxima = at(sums, blockQueries * width);
  const totals = at(maxima, blockQueries);

  const stride = 3 * heads * dim;
  const rowsOfHead = at(qkv, head * dim);
  packRows(queries, at(rowsOfHead, from * stride), count, dim, stride, 1);
  memory.fill(sums, 0, at(0, blockQueries * width));
  for (let i = 0; i < count; i++) {
    store<f32>(at(maxima, i), -Infinity);
    store<f32>(at(totals, i), 0);
  }
  for (let key = low; key < high; key += tileKeys) {
    const length = min(tileKeys, high - key);
    packColumns(keys, at(rowsOfHead, key * stride + heads * dim), length, dim, stride, 1);
    packColumns(values, at(rowsOfHead, key * stride + 2 * heads * dim), dim, length, 1, stride);
    multiplyPanels(scores, tileKeys, queries, keys, count, length, dim, false);
    for (let i = 0; i < count; i++) {
      const row = at(scores, i * tileKeys);
      scaleRow(row, length, scale * log2E);
      if (window >= 0) maskRow(row, length, from + i - window - key, from + i + window + 1 - key, -Infinity);
      const factor = softmaxTile(row, length, at(maxima, i), at(totals, i));
      scaleRow(at(sums, i * width), width, factor);
    }
    packRows(weights, scores, count, length, tileKeys, 1);
    multiplyPanels(sums, width, weights, values, count, dim, length, true);
  }
  for (let i = 0; i < count; i++) {
    const total = load<f32>(at(totals, i));
    const inverse = f32x4.splat(1 / total);
    const row = at(out, ((from + i) * heads + head) * dim);
    for (let d = 0; d < dim; d += 4) {
      storePart(at(row, d), f32x4.mul(v128.load(at(sums, i * width + d)), inverse), dim - d);
    }
    if (lse) store<f32>(at(lse, head * tokens + from + i), load<f32>(at(maxima, i)) * Mathf.LN2 + log(total));
  }
}

/** Keys of a tile outside low…high-1 get `value`. */
export function maskRow(row: usize, length: i32, low: i32, high: i32, value: f32): void {
  for (let j = 0; j < min(low, length); j++) store<f32>(at(row, j), value);
  for (let j = max(high, 0); j < length; j++) store<f32>(at(row, j), value);
}

/** Replaces scores by weights relative to the new maximum and returns what the sums so far shrink by. */
function softmaxTile(row: usize, length: i32, maximum: usize, total: usize): f32 {
  for (let j = length; j < roundUp(length, 4); j++) store<f32>(at(row, j), -Infinity);
  let tops = f32x4.splat(-Infinity);
  for (let j = 0; j < length; j += 4) tops = f32x4.max(tops, v128.load(at(row, j)));
  const before = load<f32>(maximum);
  const top = max(before, laneMax(tops));
  // No key of this tile or those before is in the window: all weights are 0.
  const base = f32x4.splat(top == -Infinity ? 0 : top);
  let sum = f32x4.splat(0);
  for (let j = 0; j < length; j += 4) {
    const weight = exp2OfNegative(f32x4.sub(v128.load(at(row, j)), base));
    v128.store(at(row, j), weight);
    sum = f32x4.add(sum, weight);
  }
  const factor: f32 = top == -Infinity ? 1 : f32x4.extract_lane(exp2OfNegative(f32x4.splat(before - top)), 0);
  store<f32>(maximum, top);
  store<f32>(total, load<f32>(total) * factor + laneSum(sum));
  return factor;
}

export function scaleRow(row: usize, length: i32, factor: f32): void {
  if (factor == 1) return;
  for (let j = 0; j < length; j += 4) v128.store(at(row, j), f32x4.mul(v128.load(at(row, j)), f32x4.splat(factor)));
}
