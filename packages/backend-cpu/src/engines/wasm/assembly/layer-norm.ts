/** Layer norm of rows, alone or after a residual addition, forward and backward. Absent tensors are address 0. */
import { at, laneSum, loadPart, storePart } from "./vector";

const forwardRows: i32 = 16;

/** Task: 16 rows. With delta, sum = x + delta is stored and normalised. stats [rows, 2]: mean, 1 / standard deviation. */
export function layerNormForward(
  _scratch: usize,
  task: i32,
  y: usize,
  sum: usize,
  stats: usize,
  x: usize,
  delta: usize,
  weight: usize,
  bias: usize,
  rows: i32,
  dim: i32,
  eps: f32,
): void {
  const end = min(rows, (task + 1) * forwardRows);
  for (let row = task * forwardRows; row < end; row++) {
    const start = row * dim;
    let source = at(x, start);
    if (delta) {
      addRows(at(sum, start), source, at(delta, start), dim);
      source = at(sum, start);
    }
    const mean = rowSum(source, dim) / <f32>dim;
    const scale = <f32>1 / sqrt<f32>(squaredDistance(source, mean, dim) / <f32>dim + eps);
    if (stats) {
      store<f32>(at(stats, 2 * row), mean);
      store<f32>(at(stats, 2 * row + 1), scale);
    }
    for (let d = 0; d < dim; d += 4) {
      const n = dim - d;
      const normal = normalised(loadPart(at(source, d), n), mean, scale);
      let value = f32x4.mul(normal, loadPart(at(weight, d), n));
      if (bias) value = f32x4.add(value, loadPart(at(bias, d), n));
      storePart(at(y, start + d), value, n);
    }
  }
}

/**
 * Task: `rowsPerTask` rows. gradX and gradDelta get the same; partials [tasks, 2, dim] get this task's gradients of weight and bias.
 * Without gradY only gradSum goes on.
 */
export function layerNormBackward(
  _scratch: usize,
  task: i32,
  gradX: usize,
  gradDelta: usize,
  partials: usize,
  gradY: usize,
  gradSum: usize,
  x: usize,
  stats: usize,
  weight: usize,
  rows: i32,
  dim: i32,
  rowsPerTask: i32,
): void {
  const gradWeight = at(partials, 2 * task * dim);
  const gradBias = at(gradWeight, dim);
  memory.fill(gradWeight, 0, at(0, 2 * dim));
  const end = min(rows, (task + 1) * rowsPerTask);
  for (let row = task * rowsPerTask; row < end; row++) {
    const start = row * dim;
    const mean = load<f32>(at(stats, 2 * row));
    const scale = load<f32>(at(stats, 2 * row + 1));
    let sums = f32x4.splat(0);
    let dots = f32x4.splat(0);
    if (gradY) {
      for (let d = 0; d < dim; d += 4) {
        const n = dim - d;
        const grad = loadPart(at(gradY, start + d), n);
        const normal = normalised(loadPart(at(x, start + d), n), mean, scale);
        const weighted = f32x4.mul(grad, loadPart(at(weight, d), n));
        sums = f32x4.add(sums, weighted);
        dots = f32x4.add(dots, f32x4.mul(weighted, normal));
        storePart(at(gradWeight, d), f32x4.add(loadPart(at(gradWeight, d), n), f32x4.mul(grad, normal)), n);
        storePart(at(gradBias, d), f32x4.add(loadPart(at(gradBias, d), n), grad), n);
      }
    }
    if (!gradX && !gradDelta) continue;
    const meanGrad = f32x4.splat(laneSum(sums) / <f32>dim);
    const meanDot = f32x4.splat(laneSum(dots) / <f32>dim);
    for (let d = 0; d < dim; d += 4) {
      const n = dim - d;
      let value = f32x4.splat(0);
      if (gradY) {
        const normal = normalised(loadPart(at(x, start + d), n), mean, scale);
        const weighted = f32x4.mul(loadPart(at(gradY, start + d), n), loadPart(at(weight, d), n));
        value = f32x4.sub(f32x4.sub(weighted, meanGrad), f32x4.mul(normal, meanDot));
        value = f32x4.mul(value, f32x4.splat(scale));
      }
      if (gradSum) value = f32x4.add(value, loadPart(at(gradSum, start + d), n));
      if (gradX) storePart(at(gradX, start + d), value, n);
      if (gradDelta) storePart(at(gradDelta, start + d), value, n);
    }
  }
}

/** One task: out[i] = Σ parts[p · stride + i] over p < count, in order. */
export function sumParts(
  _scratch: usize,
  _task: i32,
  out: usize,
  parts: usize,
  count: i32,
  stride: i32,
  size: i32,
): void {
  for (let i = 0; i < size; i += 4) {
    const n = size - i;
    let total = f32x4.splat(0);
    for (let part = 0; part < count; part++) total = f32x4.add(total, loadPart(at(parts, part * stride + i), n));
    storePart(at(out, i), total, n);
  }
}

function normalised(x: v128, mean: f32, scale: f32): v128 {
  return f32x4.mul(f32x4.sub(x, f32x4.splat(mean)), f32x4.splat(scale));
}

function addRows(out: usize, a: usize, b: usize, size: i32): void {
  for (let i = 0; i < size; i += 4) {
    storePart(at(out, i), f32x4.add(loadPart(at(a, i), size - i), loadPart(at(b, i), size - i)), size - i);
  }
}

function rowSum(x: usize, dim: i32): f32 {
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  for (let d = 0; d < dim; d += 8) {
    even = f32x4.add(even, loadPart(at(x, d), dim - d));
    odd = f32x4.add(odd, loadPart(at(x, d + 4), dim - d - 4));
  }
  return laneSum(f32x4.add(even, odd));
}

/** Σ (x - mean)². */
function squaredDistance(x: usize, mean: f32, dim: i32): f32 {
  let total = f32x4.splat(0);
  let d = 0;
  for (; d + 4 <= dim; d += 4) {
    const centered = f32x4.sub(v128.load(at(x, d)), f32x4.splat(mean));
    total = f32x4.add(total, f32x4.mul(centered, centered));
  }
  let sum = laneSum(total);
  for (; d < dim; d++) {
    const centered = load<f32>(at(x, d)) - mean;
    sum += centered * centered;
  }
  return sum;
}
