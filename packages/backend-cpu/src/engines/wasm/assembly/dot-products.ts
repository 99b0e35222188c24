/**
 * Matrix products of a few rows, as in a short text through a linear layer: packing would cost as much as multiplying, and both factors lie
 * along the shared dimension already. Four rows times two columns at a time.
 */
import { at, multiplyAdd } from "./vector";

/**
 * out[i, j] = alpha · Σ a[i, k] b[k, j], plus the old out when `accumulate`; a and b contiguous along k, depth a multiple of 4, strides in floats.
 * Task: `columnsPerTask` columns.
 */
export function dotProducts(
  _scratch: usize,
  task: i32,
  out: usize,
  a: usize,
  b: usize,
  rows: i32,
  columns: i32,
  depth: i32,
  outRowStride: i32,
  outColumnStride: i32,
  aRowStride: i32,
  bColumnStride: i32,
  alpha: f32,
  accumulate: bool,
  columnsPerTask: i32,
): void {
  const end = min(columns, (task + 1) * columnsPerTask);
  const factor = f32x4.splat(alpha);
  for (let column = task * columnsPerTask; column < end; column += 2) {
    const count = min(2, end - column);
    const b0 = at(b, column * bColumnStride);
    // Beyond the last row and column the last one is done once more, and not stored.
    const b1 = count > 1 ? at(b0, bColumnStride) : b0;
    for (let row = 0; row < rows; row += 4) {
      let a0 = at(a, row * aRowStride);
      let a1 = at(a, min(row + 1, rows - 1) * aRowStride);
      let a2 = at(a, min(row + 2, rows - 1) * aRowStride);
      let a3 = at(a, min(row + 3, rows - 1) * aRowStride);
      let s00 = f32x4.splat(0);
      let s01 = s00;
      let s10 = s00;
      let s11 = s00;
      let s20 = s00;
      let s21 = s00;
      let s30 = s00;
      let s31 = s00;
      let p0 = b0;
      let p1 = b1;
      for (const stop = at(b0, depth); p0 < stop; p0 += 16) {
        const v0 = v128.load(p0);
        const v1 = v128.load(p1);
        const u0 = v128.load(a0);
        s00 = multiplyAdd(u0, v0, s00);
        s01 = multiplyAdd(u0, v1, s01);
        const u1 = v128.load(a1);
        s10 = multiplyAdd(u1, v0, s10);
        s11 = multiplyAdd(u1, v1, s11);
        const u2 = v128.load(a2);
        s20 = multiplyAdd(u2, v0, s20);
        s21 = multiplyAdd(u2, v1, s21);
        const u3 = v128.load(a3);
        s30 = multiplyAdd(u3, v0, s30);
        s31 = multiplyAdd(u3, v1, s31);
        p1 += 16;
        a0 += 16;
        a1 += 16;
        a2 += 16;
        a3 += 16;
      }
      const target = at(out, row * outRowStride + column * outColumnStride);
      const height = rows - row;
      storeColumn(target, f32x4.mul(sums(s00, s10, s20, s30), factor), height, outRowStride, accumulate);
      if (count > 1) {
        const next = at(target, outColumnStride);
        storeColumn(next, f32x4.mul(sums(s01, s11, s21, s31), factor), height, outRowStride, accumulate);
      }
    }
  }
}

/** The lanes of each of four vectors, added up. */
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(i32x4.shuffle(a, b, 0, 4, 1, 5), i32x4.shuffle(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(i32x4.shuffle(c, d, 0, 4, 1, 5), i32x4.shuffle(c, d, 2, 6, 3, 7));
  return f32x4.add(i64x2.shuffle(ab, cd, 0, 2), i64x2.shuffle(ab, cd, 1, 3));
}

function storeColumn(target: usize, values: v128, count: i32, stride: i32, accumulate: bool): void {
  storeOne(target, f32x4.extract_lane(values, 0), accumulate);
  if (count > 1) storeOne(at(target, stride), f32x4.extract_lane(values, 1), accumulate);
  if (count > 2) storeOne(at(target, 2 * stride), f32x4.extract_lane(values, 2), accumulate);
  if (count > 3) storeOne(at(target, 3 * stride), f32x4.extract_lane(values, 3), accumulate);
}

function storeOne(target: usize, value: f32, accumulate: bool): void {
  store<f32>(target, accumulate ? value + load<f32>(target) : value);
}
