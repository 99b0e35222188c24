/** Rows of logits to losses and, in training, to their gradients in place. */
import { exp, log } from "./math";
import { at, laneMax, laneSum, loadPart, storePart } from "./vector";

/**
 * Task: one row of logits [rows, classes]. losses [rows] and correct [rows] get the row's cross-entropy and 1 or 0: whether the first of
 * the largest logits is the label. A row whose label is no class counts for neither and has gradient 0.
 */
export function crossEntropyRow(
  _scratch: usize,
  row: i32,
  logits: usize,
  bias: usize,
  labels: usize,
  losses: usize,
  correct: usize,
  classes: i32,
  training: bool,
): void {
  const start = at(logits, row * classes);
  const label = load<i32>(at(labels, row));
  let loss: f32 = 0;
  let hit: f32 = 0;
  if (label < 0 || label >= classes) {
    memory.fill(start, 0, at(0, classes));
  } else {
    if (bias) addBias(start, bias, classes);
    const top = largest(start, classes);
    const atLabel = load<f32>(at(start, label));
    hit = atLabel == top && firstOf(top, start, classes) == label ? 1 : 0;
    const total = exponentials(start, classes, top);
    loss = log(total) + top - atLabel;
    if (training) {
      scale(start, classes, 1 / total);
      store<f32>(at(start, label), load<f32>(at(start, label)) - 1);
    }
  }
  store<f32>(at(losses, row), loss);
  store<f32>(at(correct, row), hit);
}

function addBias(row: usize, bias: usize, size: i32): void {
  for (let i = 0; i < size; i += 4) {
    storePart(at(row, i), f32x4.add(loadPart(at(row, i), size - i), loadPart(at(bias, i), size - i)), size - i);
  }
}

function largest(row: usize, size: i32): f32 {
  let tops = f32x4.splat(-Infinity);
  let i = 0;
  for (; i + 4 <= size; i += 4) tops = f32x4.max(tops, v128.load(at(row, i)));
  let top = laneMax(tops);
  for (; i < size; i++) top = max(top, load<f32>(at(row, i)));
  return top;
}

function firstOf(value: f32, row: usize, size: i32): i32 {
  let i = 0;
  while (i < size && load<f32>(at(row, i)) != value) i++;
  return i;
}

/** Replaces x by exp(x - top) and returns their sum. */
function exponentials(row: usize, size: i32, top: f32): f32 {
  const base = f32x4.splat(top);
  let total: f64 = 0;
  // The sum of a large vocabulary: f32 within a stretch, f64 beyond.
  for (let stretch = 0; stretch < size; stretch += 256) {
    const stop = min(size, stretch + 256);
    let sum = f32x4.splat(0);
    let i = stretch;
    for (; i + 4 <= stop; i += 4) {
      const value = exp(f32x4.sub(v128.load(at(row, i)), base));
      v128.store(at(row, i), value);
      sum = f32x4.add(sum, value);
    }
    total += <f64>laneSum(sum);
    for (; i < stop; i++) {
      const value = f32x4.extract_lane(exp(f32x4.splat(load<f32>(at(row, i)) - top)), 0);
      store<f32>(at(row, i), value);
      total += <f64>value;
    }
  }
  return <f32>total;
}

function scale(row: usize, size: i32, factor: f32): void {
  for (let i = 0; i < size; i += 4) {
    storePart(at(row, i), f32x4.mul(loadPart(at(row, i), size - i), f32x4.splat(factor)), size - i);
  }
}

/** Task: `perTask` columns of sums [columns] += Σ rows of matrix [rows, columns], in the order of the rows. */
export function addColumns(
  _scratch: usize,
  task: i32,
  sums: usize,
  matrix: usize,
  rows: i32,
  columns: i32,
  perTask: i32,
): void {
  const end = min(columns, (task + 1) * perTask);
  for (let column = task * perTask; column < end; column += 4) {
    const n = end - column;
    let sum = loadPart(at(sums, column), n);
    for (let row = 0; row < rows; row++) {
      sum = f32x4.add(sum, loadPart(at(matrix, row * columns + column), n));
    }
    storePart(at(sums, column), sum, n);
  }
}

/** Task: `perTask` floats of out = factor · x. */
export function scaleInto(
  _scratch: usize,
  task: i32,
  out: usize,
  x: usize,
  size: i32,
  perTask: i32,
  factor: f32,
): void {
  const end = min(size, (task + 1) * perTask);
  for (let i = task * perTask; i < end; i += 4) {
    storePart(at(out, i), f32x4.mul(loadPart(at(x, i), end - i), f32x4.splat(factor)), end - i);
  }
}
