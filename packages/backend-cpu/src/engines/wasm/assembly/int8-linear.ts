/** Linear layers in bytes: rows of x rounded to whole numbers of -127…127, dot products in whole numbers, scales at the end. */
import { at, laneMax, loadPart } from "./vector";

const rowsPerTask: i32 = 16;

/**
 * Task: 16 rows of x [rows, depth] to numbers i16 [rows, stride] (stride ≥ depth, a multiple of 8; zeros beyond depth) and to scales [rows]:
 * what a whole number is worth, NaN for a row that is not finite.
 */
export function quantizeRows(
  _scratch: usize,
  task: i32,
  numbers: usize,
  scales: usize,
  x: usize,
  rows: i32,
  depth: i32,
  stride: i32,
): void {
  const end = min(rows, (task + 1) * rowsPerTask);
  for (let row = task * rowsPerTask; row < end; row++) {
    const source = at(x, row * depth);
    let tops = f32x4.splat(0);
    let broken = i32x4.splat(0);
    for (let k = 0; k < depth; k += 4) {
      const size = f32x4.abs(loadPart(at(source, k), depth - k));
      const finite = f32x4.lt(size, f32x4.splat(Infinity));
      tops = f32x4.max(tops, v128.and(size, finite));
      broken = v128.or(broken, v128.not(finite));
    }
    const top = laneMax(tops);
    const factor = f32x4.splat(top > 1e-30 ? <f32>127 / top : 0);
    for (let k = 0; k < stride; k += 4) {
      const value = loadPart(at(source, k), depth - k);
      const finite = f32x4.lt(f32x4.abs(value), f32x4.splat(Infinity));
      const whole = v128.and(f32x4.nearest(f32x4.mul(value, factor)), finite);
      const narrow = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(whole), i32x4.splat(0));
      v128.store64_lane(numbers + ((<usize>(row * stride + k)) << 1), narrow, 0);
    }
    store<f32>(at(scales, row), v128.any_true(broken) ? NaN : top / 127);
  }
}

/**
 * y [rows, columns] = numbers · weightᵀ · columnScales · rowScales + bias; weight i8 [columns, bytes], bytes a multiple of 4 ≤ stride; bias may
 * be 0. Task t is block (t / blocks across, t % blocks across) of blockRows × blockColumns.
 */
export function int8Linear(
  _scratch: usize,
  task: i32,
  y: usize,
  numbers: usize,
  rowScales: usize,
  weight: usize,
  columnScales: usize,
  bias: usize,
  rows: i32,
  columns: i32,
  stride: i32,
  bytes: i32,
  blockRows: i32,
  blockColumns: i32,
): void {
  const across = (columns + blockColumns - 1) / blockColumns;
  const firstRow = (task / across) * blockRows;
  const firstColumn = (task % across) * blockColumns;
  const lastRow = min(rows, firstRow + blockRows) - 1;
  const lastColumn = min(columns, firstColumn + blockColumns) - 1;
  const rowBytes = (<usize>stride) << 1;
  for (let column = firstColumn; column <= lastColumn; column += 2) {
    const nextColumn = min(column + 1, lastColumn);
    const w0 = weight + <usize>(column * bytes);
    const w1 = weight + <usize>(nextColumn * bytes);
    for (let row = firstRow; row <= lastRow; row += 4) {
      // Beyond the last row and column of the block it is done once more.
      const row1 = min(row + 1, lastRow);
      const row2 = min(row + 2, lastRow);
      const row3 = min(row + 3, lastRow);
      let q0 = numbers + <usize>row * rowBytes;
      let q1 = numbers + <usize>row1 * rowBytes;
      let q2 = numbers + <usize>row2 * rowBytes;
      let q3 = numbers + <usize>row3 * rowBytes;
      let s00 = i32x4.splat(0);
      let s01 = s00;
      let s10 = s00;
      let s11 = s00;
      let s20 = s00;
      let s21 = s00;
      let s30 = s00;
      let s31 = s00;
      let p0 = w0;
      let p1 = w1;
      // Of the last eight bytes four may lie beyond the row: there the numbers are 0.
      for (const stop = w0 + <usize>bytes; p0 < stop; p0 += 8) {
        const b0 = v128.load_ext<i8>(p0);
        const b1 = v128.load_ext<i8>(p1);
        const a0 = v128.load(q0);
        s00 = i32x4.add(s00, i32x4.dot_i16x8_s(a0, b0));
        s01 = i32x4.add(s01, i32x4.dot_i16x8_s(a0, b1));
        const a1 = v128.load(q1);
        s10 = i32x4.add(s10, i32x4.dot_i16x8_s(a1, b0));
        s11 = i32x4.add(s11, i32x4.dot_i16x8_s(a1, b1));
        const a2 = v128.load(q2);
        s20 = i32x4.add(s20, i32x4.dot_i16x8_s(a2, b0));
        s21 = i32x4.add(s21, i32x4.dot_i16x8_s(a2, b1));
        const a3 = v128.load(q3);
        s30 = i32x4.add(s30, i32x4.dot_i16x8_s(a3, b0));
        s31 = i32x4.add(s31, i32x4.dot_i16x8_s(a3, b1));
        p1 += 8;
        q0 += 16;
        q1 += 16;
        q2 += 16;
        q3 += 16;
      }
      const first = sums(s00, s10, s20, s30);
      const second = sums(s01, s11, s21, s31);
      storeColumn(y, first, rowScales, columnScales, bias, row, row1, row2, row3, column, columns);
      storeColumn(y, second, rowScales, columnScales, bias, row, row1, row2, row3, nextColumn, columns);
    }
  }
}

/** The lanes of each of four vectors, added up. */
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(i32x4.shuffle(a, b, 0, 4, 1, 5), i32x4.shuffle(a, b, 2, 6, 3, 7));
  const cd = i32x4.add(i32x4.shuffle(c, d, 0, 4, 1, 5), i32x4.shuffle(c, d, 2, 6, 3, 7));
  return i32x4.add(i64x2.shuffle(ab, cd, 0, 2), i64x2.shuffle(ab, cd, 1, 3));
}

function storeColumn(
  y: usize,
  sum: v128,
  rowScales: usize,
  columnScales: usize,
  bias: usize,
  row0: i32,
  row1: i32,
  row2: i32,
  row3: i32,
  column: i32,
  columns: i32,
): void {
  const scaled = f32x4.mul(f32x4.convert_i32x4_s(sum), v128.load_splat<f32>(at(columnScales, column)));
  const shift = bias ? load<f32>(at(bias, column)) : 0;
  const y0 = at(y, column);
  store<f32>(at(y0, row0 * columns), f32x4.extract_lane(scaled, 0) * load<f32>(at(rowScales, row0)) + shift);
  store<f32>(at(y0, row1 * columns), f32x4.extract_lane(scaled, 1) * load<f32>(at(rowScales, row1)) + shift);
  store<f32>(at(y0, row2 * columns), f32x4.extract_lane(scaled, 2) * load<f32>(at(rowScales, row2)) + shift);
  store<f32>(at(y0, row3 * columns), f32x4.extract_lane(scaled, 3) * load<f32>(at(rowScales, row3)) + shift);
}
