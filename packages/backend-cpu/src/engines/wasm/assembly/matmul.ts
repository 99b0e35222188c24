/**
 * Matrix products: one block of the result for each task, in steps of `depthBlock` along the shared dimension. Each element is summed in
 * an order that depends on the shape alone, whatever the blocks and threads.
 */
import { multiplyPanels, packColumns, packRows } from "./panels";
import { at, loadPart, multiplyAdd, storePart } from "./vector";

/** Most rows and columns of a block, which the scratch memory has room for (wasm/matmul.ts knows them too). */
const maxRows: i32 = 128;
const maxColumns: i32 = 256;
const depthBlock: i32 = 256;

/**
 * out[i, j] = alpha · Σ a[i, k] b[k, j], plus the old out when `accumulate`. Strides in floats.
 * Task t is block (t / blocks across, t % blocks across) of blockRows × blockColumns.
 */
export function matmul(
  scratch: usize,
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
  aDepthStride: i32,
  bDepthStride: i32,
  bColumnStride: i32,
  alpha: f32,
  accumulate: bool,
  blockRows: i32,
  blockColumns: i32,
): void {
  const across = (columns + blockColumns - 1) / blockColumns;
  const row = (task / across) * blockRows;
  const column = (task % across) * blockColumns;
  const height = min(blockRows, rows - row);
  const width = min(blockColumns, columns - column);
  const product = scratch;
  const panelsA = at(product, maxRows * maxColumns);
  const panelsB = at(panelsA, maxRows * depthBlock);
  a = at(a, row * aRowStride);
  b = at(b, column * bColumnStride);
  // Once without depth, too: then the product is 0.
  for (let k = 0; k == 0 || k < depth; k += depthBlock) {
    const length = min(depthBlock, depth - k);
    packColumns(panelsB, at(b, k * bDepthStride), width, length, bColumnStride, bDepthStride);
    packRows(panelsA, at(a, k * aDepthStride), height, length, aRowStride, aDepthStride);
    multiplyPanels(product, maxColumns, panelsA, panelsB, height, width, length, k > 0);
  }
  out = at(out, row * outRowStride + column * outColumnStride);
  for (let i = 0; i < height; i++) {
    storeRow(at(out, i * outRowStride), outColumnStride, at(product, i * maxColumns), width, alpha, accumulate);
  }
}

function storeRow(out: usize, stride: i32, product: usize, width: i32, alpha: f32, accumulate: bool): void {
  if (stride == 1) {
    const factor = f32x4.splat(alpha);
    for (let j = 0; j < width; j += 4) {
      const value = v128.load(at(product, j));
      const target = at(out, j);
      const before = accumulate ? loadPart(target, width - j) : f32x4.splat(0);
      storePart(target, accumulate ? multiplyAdd(factor, value, before) : f32x4.mul(factor, value), width - j);
    }
  } else {
    for (let j = 0; j < width; j++) {
      const target = at(out, j * stride);
      const value = alpha * load<f32>(at(product, j));
      store<f32>(target, accumulate ? value + load<f32>(target) : value);
    }
  }
}
