/**
 * Attention over packed sequences, backward: one head of one sequence for each task, blocks of queries against tiles of keys. Scores are
 * computed again and become weights by the log-sum-exp that the forward pass left behind.
 */
import { blockQueries, log2E, maskRow } from "./attention-forward";
import { exp2OfNegative } from "./math";
import { multiplyPanels, packColumns, packRows, panelColumns, roundUp } from "./panels";
import { at, laneSum, loadPart, storePart } from "./vector";

const tileKeys: i32 = 64;

/**
 * gradQkv, qkv [tokens, 3, heads, dim]; out, gradOut [tokens, heads, dim]; lse [heads, tokens]; ends i32 [sequences + 1].
 * Task t is head t % heads of sequence t / heads.
 */
export function attentionBackward(
  scratch: usize,
  task: i32,
  gradQkv: usize,
  qkv: usize,
  ends: usize,
  out: usize,
  lse: usize,
  gradOut: usize,
  tokens: i32,
  heads: i32,
  dim: i32,
  scale: f32,
  window: i32,
): void {
  const head = task % heads;
  const start = load<i32>(at(ends, task / heads));
  const end = load<i32>(at(ends, task / heads + 1));
  const width = roundUp(dim, panelColumns);
  const stride = 3 * heads * dim;
  const outStride = heads * dim;

  // Named after what they hold: of queries q, keys k, values v and gradients of the output o, by rows or by columns of the products.
  const qRows = scratch;
  const oRows = at(qRows, blockQueries * dim);
  const qColumns = at(oRows, blockQueries * dim);
  const oColumns = at(qColumns, blockQueries * width);
  const keysAcross = at(oColumns, blockQueries * width);
  const valuesAcross = at(keysAcross, tileKeys * dim);
  const kColumns = at(valuesAcross, tileKeys * dim);
  const weights = at(kColumns, tileKeys * width);
  const gradScores = at(weights, blockQueries * tileKeys);
  const factor = at(gradScores, blockQueries * tileKeys);
  const gradQueries = at(factor, blockQueries * tileKeys);
  const product = at(gradQueries, blockQueries * width);
  const dots = at(product, tileKeys * width);

  for (let token = start; token < end; token++) {
    for (let part = 0; part < 3; part++) {
      memory.fill(at(gradQkv, token * stride + (part * heads + head) * dim), 0, at(0, dim));
    }
  }
  for (let from = start; from < end; from += blockQueries) {
    const count = min(blockQueries, end - from);
    const low = window < 0 ? start : max(start, from - window);
    const high = window < 0 ? end : min(end, from + count + window);
    const q = at(qkv, from * stride + head * dim);
    const o = at(gradOut, from * outStride + head * dim);
    packRows(qRows, q, count, dim, stride, 1);
    packRows(oRows, o, count, dim, outStride, 1);
    packColumns(qColumns, q, dim, count, 1, stride);
    packColumns(oColumns, o, dim, count, 1, outStride);
    for (let i = 0; i < count; i++) {
      const row = (from + i) * outStride + head * dim;
      store<f32>(at(dots, i), dot(at(out, row), at(gradOut, row), dim));
    }
    memory.fill(gradQueries, 0, at(0, blockQueries * width));

    for (let key = low; key < high; key += tileKeys) {
      const length = min(tileKeys, high - key);
      const k = at(qkv, key * stride + (heads + head) * dim);
      const v = at(k, heads * dim);
      packColumns(keysAcross, k, length, dim, stride, 1);
      packColumns(valuesAcross, v, length, dim, stride, 1);
      packColumns(kColumns, k, dim, length, 1, stride);
      multiplyPanels(weights, tileKeys, qRows, keysAcross, count, length, dim, false);
      multiplyPanels(gradScores, tileKeys, oRows, valuesAcross, count, length, dim, false);
      for (let i = 0; i < count; i++) {
        const row = at(weights, i * tileKeys);
        toWeights(row, length, scale, load<f32>(at(lse, head * tokens + from + i)));
        if (window >= 0) maskRow(row, length, from + i - window - key, from + i + window + 1 - key, 0);
        toGradScores(at(gradScores, i * tileKeys), row, length, scale, load<f32>(at(dots, i)));
      }
      const gradKeys = at(gradQkv, key * stride + (heads + head) * dim);
      packRows(factor, weights, length, count, 1, tileKeys);
      multiplyPanels(product, width, factor, oColumns, length, dim, count, false);
      addRows(at(gradKeys, heads * dim), stride, product, width, length, dim);
      packRows(factor, gradScores, length, count, 1, tileKeys);
      multiplyPanels(product, width, factor, qColumns, length, dim, count, false);
      addRows(gradKeys, stride, product, width, length, dim);
      packRows(factor, gradScores, count, length, tileKeys, 1);
      multiplyPanels(gradQueries, width, factor, kColumns, count, dim, length, true);
    }
    addRows(at(gradQkv, from * stride + head * dim), stride, gradQueries, width, count, dim);
  }
}

function toWeights(row: usize, length: i32, scale: f32, lse: f32): void {
  const factor = f32x4.splat(scale);
  const base = f32x4.splat(lse);
  for (let j = 0; j < length; j += 4) {
    const score = f32x4.sub(f32x4.mul(v128.load(at(row, j)), factor), base);
    v128.store(at(row, j), exp2OfNegative(f32x4.mul(score, f32x4.splat(log2E))));
  }
}

/** Gradients of weights become gradients of unscaled scores: scale · weight · (gradient - Σ weight · gradient). */
function toGradScores(grads: usize, weights: usize, length: i32, scale: f32, mean: f32): void {
  for (let j = 0; j < length; j += 4) {
    const centered = f32x4.sub(v128.load(at(grads, j)), f32x4.splat(mean));
    const scaled = f32x4.mul(v128.load(at(weights, j)), f32x4.splat(scale));
    v128.store(at(grads, j), f32x4.mul(scaled, centered));
  }
}

function dot(a: usize, b: usize, size: i32): f32 {
  let sum = f32x4.splat(0);
  for (let i = 0; i < size; i += 4) {
    sum = f32x4.add(sum, f32x4.mul(loadPart(at(a, i), size - i), loadPart(at(b, i), size - i)));
  }
  return laneSum(sum);
}

function addRows(target: usize, stride: i32, source: usize, width: i32, rows: i32, dim: i32): void {
  for (let row = 0; row < rows; row++) {
    const to = at(target, row * stride);
    for (let d = 0; d < dim; d += 4) {
      const sum = f32x4.add(loadPart(at(to, d), dim - d), v128.load(at(source, row * width + d)));
      storePart(at(to, d), sum, dim - d);
    }
  }
}
