/** Linear layers over weights in 16 bits, widened on the way into the panels: no widened copy of them is ever held. */
import { multiplyPanels, packColumns, packRows, panelColumns } from "./panels";
import { at, loadPart, storePart } from "./vector";

/** Most rows and columns of a block, as in matmul.ts. */
const maxRows: i32 = 128;
const maxColumns: i32 = 256;
const depthBlock: i32 = 256;

/**
 * y [rows, columns] = x [rows, depth] · weightᵀ + bias; weight [columns, depth] in bf16, or in f16 when `half`; bias may be 0.
 * Task t is block (t / blocks across, t % blocks across) of blockRows × blockColumns.
 */
export function narrowLinear(
  scratch: usize,
  task: i32,
  y: usize,
  x: usize,
  weight: usize,
  bias: usize,
  rows: i32,
  columns: i32,
  depth: i32,
  half: bool,
  blockRows: i32,
  blockColumns: i32,
): void {
  const across = (columns + blockColumns - 1) / blockColumns;
  const row = (task / across) * blockRows;
  const column = (task % across) * blockColumns;
  const height = min(blockRows, rows - row);
  const width = min(blockColumns, columns - column);
  const product = scratch;
  const panelsX = at(product, maxRows * maxColumns);
  const panelsW = at(panelsX, maxRows * depthBlock);
  const wide = at(panelsW, maxColumns * depthBlock);
  // Once without depth, too: then the product is 0.
  for (let k = 0; k == 0 || k < depth; k += depthBlock) {
    const length = min(depthBlock, depth - k);
    for (let j = 0; j < width; j += panelColumns) {
      const lanes = min(panelColumns, width - j);
      for (let lane = 0; lane < lanes; lane++) {
        widen(at(wide, lane * length), weight + ((<usize>((column + j + lane) * depth + k)) << 1), length, half);
      }
      packColumns(at(panelsW, j * length), wide, lanes, length, length, 1);
    }
    packRows(panelsX, at(x, row * depth + k), height, length, depth, 1);
    multiplyPanels(product, maxColumns, panelsX, panelsW, height, width, length, k > 0);
  }
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j += 4) {
      const n = width - j;
      let value = v128.load(at(product, i * maxColumns + j));
      if (bias) value = f32x4.add(value, loadPart(at(bias, column + j), n));
      storePart(at(y, (row + i) * columns + column + j), value, n);
    }
  }
}

function widen(target: usize, source: usize, count: i32, half: bool): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const bits = v128.load_ext<u16>(source + ((<usize>i) << 1));
    v128.store(at(target, i), half ? fromHalf(bits) : i32x4.shl(bits, 16));
  }
  for (; i < count; i++) {
    const bits = i32x4.splat(<i32>load<u16>(source + ((<usize>i) << 1)));
    store<f32>(at(target, i), f32x4.extract_lane(half ? fromHalf(bits) : i32x4.shl(bits, 16), 0));
  }
}

/** f16 in the low halves of the lanes. The factor 2^112 moves the exponent, for subnormals too; infinity and NaN get theirs by hand. */
function fromHalf(bits: v128): v128 {
  const magnitude = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  const value = f32x4.mul(magnitude, f32x4.splat(5.192296858534828e33));
  const special = v128.and(i32x4.ge_s(magnitude, i32x4.splat(0x0f800000)), i32x4.splat(0x7f800000));
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  return v128.or(v128.or(value, special), sign);
}
