/**
 * Products of packed panels, the inner loops of all matrix products.
 *
 * A factor is packed as [lanes / width][depth][width] floats, its lanes (rows of a, columns of b) filled up with zeros: panels of four rows
 * and of eight columns. A 4×8 tile of the product then stays in eight vector registers while both panels are read in order.
 */
import { at, multiplyAdd } from "./vector";

export const panelRows: i32 = 4;
export const panelColumns: i32 = 8;

export function roundUp(count: i32, multiple: i32): i32 {
  return ((count + multiple - 1) / multiple) * multiple;
}

/** Packs rows of a: lane l at depth k is `source[l · laneStride + k · depthStride]`, strides in floats. */
export function packRows(
  target: usize,
  source: usize,
  lanes: i32,
  depth: i32,
  laneStride: i32,
  depthStride: i32,
): void {
  for (let lane = 0; lane < lanes; lane += panelRows) {
    packFour(target, panelRows, at(source, lane * laneStride), lanes - lane, depth, laneStride, depthStride);
    target = at(target, panelRows * depth);
  }
}

/** Packs columns of b, likewise. */
export function packColumns(
  target: usize,
  source: usize,
  lanes: i32,
  depth: i32,
  laneStride: i32,
  depthStride: i32,
): void {
  for (let lane = 0; lane < lanes; lane += panelColumns) {
    const from = at(source, lane * laneStride);
    packFour(target, panelColumns, from, lanes - lane, depth, laneStride, depthStride);
    packFour(target + 16, panelColumns, at(from, 4 * laneStride), lanes - lane - 4, depth, laneStride, depthStride);
    target = at(target, panelColumns * depth);
  }
}

/** Up to four lanes, side by side at each depth; `width` floats from one depth to the next. */
function packFour(
  target: usize,
  width: i32,
  source: usize,
  lanes: i32,
  depth: i32,
  laneStride: i32,
  depthStride: i32,
): void {
  const step = at(0, width);
  if (lanes >= 4 && laneStride == 1) {
    for (let k = 0; k < depth; k++) {
      v128.store(target, v128.load(source));
      source = at(source, depthStride);
      target += step;
    }
  } else if (lanes >= 4 && depthStride == 1) {
    packTransposed(target, step, source, depth, at(0, laneStride));
  } else {
    for (let k = 0; k < depth; k++) {
      v128.store(target, f32x4.splat(0));
      for (let lane = 0; lane < min(lanes, 4); lane++) {
        store<f32>(at(target, lane), load<f32>(at(source, lane * laneStride)));
      }
      source = at(source, depthStride);
      target += step;
    }
  }
}

/** Four contiguous lanes become columns, in blocks of 4×4. */
function packTransposed(target: usize, step: usize, source: usize, depth: i32, laneBytes: usize): void {
  let k = 0;
  for (; k + 4 <= depth; k += 4) {
    const a = v128.load(source);
    const b = v128.load(source + laneBytes);
    const c = v128.load(source + 2 * laneBytes);
    const d = v128.load(source + 3 * laneBytes);
    const abLow = i32x4.shuffle(a, b, 0, 4, 1, 5);
    const abHigh = i32x4.shuffle(a, b, 2, 6, 3, 7);
    const cdLow = i32x4.shuffle(c, d, 0, 4, 1, 5);
    const cdHigh = i32x4.shuffle(c, d, 2, 6, 3, 7);
    v128.store(target, i64x2.shuffle(abLow, cdLow, 0, 2));
    v128.store(target + step, i64x2.shuffle(abLow, cdLow, 1, 3));
    v128.store(target + 2 * step, i64x2.shuffle(abHigh, cdHigh, 0, 2));
    v128.store(target + 3 * step, i64x2.shuffle(abHigh, cdHigh, 1, 3));
    target += 4 * step;
    source += 16;
  }
  for (; k < depth; k++) {
    for (let lane = 0; lane < 4; lane++) {
      store<f32>(at(target, lane), load<f32>(source + <usize>lane * laneBytes));
    }
    target += step;
    source += 4;
  }
}

/**
 * c = a·b, or c += a·b: packed panels of `rows` rows and `columns` columns. c has `stride` floats to a row and room for both counts
 * rounded up to whole panels.
 */
export function multiplyPanels(
  c: usize,
  stride: i32,
  a: usize,
  b: usize,
  rows: i32,
  columns: i32,
  depth: i32,
  accumulate: bool,
): void {
  for (let column = 0; column < columns; column += panelColumns) {
    const panel = at(b, column * depth);
    for (let row = 0; row < rows; row += panelRows) {
      multiplyTile(at(c, row * stride + column), at(0, stride), at(a, row * depth), panel, depth, accumulate);
    }
  }
}

function multiplyTile(c: usize, stride: usize, a: usize, b: usize, depth: i32, accumulate: bool): void {
  const c1 = c + stride;
  const c2 = c1 + stride;
  const c3 = c2 + stride;
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  if (accumulate) {
    c00 = v128.load(c);
    c01 = v128.load(c, 16);
    c10 = v128.load(c1);
    c11 = v128.load(c1, 16);
    c20 = v128.load(c2);
    c21 = v128.load(c2, 16);
    c30 = v128.load(c3);
    c31 = v128.load(c3, 16);
  }
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load_splat<f32>(a);
    c00 = multiplyAdd(a0, b0, c00);
    c01 = multiplyAdd(a0, b1, c01);
    const a1 = v128.load_splat<f32>(a, 4);
    c10 = multiplyAdd(a1, b0, c10);
    c11 = multiplyAdd(a1, b1, c11);
    const a2 = v128.load_splat<f32>(a, 8);
    c20 = multiplyAdd(a2, b0, c20);
    c21 = multiplyAdd(a2, b1, c21);
    const a3 = v128.load_splat<f32>(a, 12);
    c30 = multiplyAdd(a3, b0, c30);
    c31 = multiplyAdd(a3, b1, c31);
    a += 16;
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c1, c10);
  v128.store(c1, c11, 16);
  v128.store(c2, c20);
  v128.store(c2, c21, 16);
  v128.store(c3, c30);
  v128.store(c3, c31, 16);
}
