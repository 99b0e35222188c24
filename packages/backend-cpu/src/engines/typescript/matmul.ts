/**
 * `matmul`: packs both factors into panels of four doubles per step of K and multiplies panel by panel into a 4×4 tile that lives in
 * registers. Doubles, because that is what JavaScript multiplies without conversions; a result is rounded once, when it is stored.
 */
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { readRun, scratch, writeRun } from "./operand.ts";
import type { Operand } from "./operand.ts";

const tile = 4;
/** Rows of a that are packed at a time. */
const blockRows = 64;
/** The packed columns of b should stay in the second-level cache: about this many doubles, but never fewer than `minBlockColumns`. */
const blockElements = 2 ** 17;
const minBlockColumns = 64;

/** A matrix within an operand: `lane` counts rows of a or columns of b, `depth` the shared dimension K. */
interface Factor {
  readonly operand: Operand;
  readonly offset: number;
  readonly laneStride: number;
  readonly depthStride: number;
}

export const matmulKernels: Pick<PrimitiveKernels<Operand>, "matmul"> = {
  matmul([out], [a, b], attrs) {
    const rank = out!.shape.length;
    const batch = out!.shape.slice(0, rank - 2);
    const batches = batch.reduce((product, extent) => product * extent, 1);
    for (let index = 0; index < batches; index++) {
      multiply(
        { ...out!, offset: batchOffset(out!, batch, index) },
        {
          operand: a!,
          offset: batchOffset(a!, batch, index),
          laneStride: a!.strides[rank - 2]!,
          depthStride: a!.strides[rank - 1]!,
        },
        {
          operand: b!,
          offset: batchOffset(b!, batch, index),
          laneStride: b!.strides[rank - 1]!,
          depthStride: b!.strides[rank - 2]!,
        },
        a!.shape[rank - 1]!,
        attrs,
      );
    }
  },
};

function batchOffset(operand: Operand, batch: readonly number[], index: number): number {
  let offset = operand.offset;
  let rest = index;
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    offset += (rest % batch[axis]!) * operand.strides[axis]!;
    rest = Math.floor(rest / batch[axis]!);
  }
  return offset;
}

function multiply(
  out: Operand,
  a: Factor,
  b: Factor,
  depth: number,
  attrs: { alpha: number; accumulate: boolean },
): void {
  const [rows, columns] = out.shape.slice(-2) as [number, number];
  const blockColumns = Math.max(minBlockColumns, Math.floor(blockElements / Math.max(depth, 1) / tile) * tile);
  const width = Math.min(blockColumns, roundUp(columns));
  const panelsA = scratch(0, Math.min(blockRows, roundUp(rows)) * depth);
  const panelsB = scratch(1, width * depth);
  const strip = scratch(2, tile * width);
  for (let column = 0; column < columns; column += blockColumns) {
    const blockWidth = Math.min(blockColumns, columns - column);
    pack(b, column, blockWidth, depth, panelsB);
    for (let row = 0; row < rows; row += blockRows) {
      const blockHeight = Math.min(blockRows, rows - row);
      pack(a, row, blockHeight, depth, panelsA);
      for (let i = 0; i < blockHeight; i += tile) {
        for (let j = 0; j < blockWidth; j += tile)
          multiplyTile(depth, panelsA, i * depth, panelsB, j * depth, strip, j, width);
        store(out, row + i, Math.min(tile, blockHeight - i), column, blockWidth, strip, width, attrs);
      }
    }
  }
}

function roundUp(lanes: number): number {
  return Math.ceil(lanes / tile) * tile;
}

/** Lays lanes first … first+lanes-1 out as [lanes / 4][depth][4], reading along whichever stride is 1; missing lanes are zeros. */
function pack(factor: Factor, first: number, lanes: number, depth: number, panels: Float64Array): void {
  const { operand, laneStride, depthStride } = factor;
  const offset = factor.offset + first * laneStride;
  const line = scratch(3, Math.max(depth, lanes));
  if (lanes % tile !== 0) {
    const lastPanel = Math.floor(lanes / tile) * tile * depth;
    panels.fill(0, lastPanel, lastPanel + tile * depth);
  }
  if (depthStride === 1 || lanes < tile) {
    for (let lane = 0; lane < lanes; lane++) {
      readRun(operand, offset + lane * laneStride, depthStride, depth, line, 0);
      const at = (lane - (lane % tile)) * depth + (lane % tile);
      for (let k = 0; k < depth; k++) panels[at + k * tile] = line[k]!;
    }
  } else {
    for (let k = 0; k < depth; k++) {
      readRun(operand, offset + k * depthStride, laneStride, lanes, line, 0);
      for (let lane = 0; lane < lanes; lane++) {
        panels[(lane - (lane % tile)) * depth + k * tile + (lane % tile)] = line[lane]!;
      }
    }
  }
}

/** Four rows of the strip, from `column` on: four rows of a times four columns of b. */
function multiplyTile(
  depth: number,
  a: Float64Array,
  aStart: number,
  b: Float64Array,
  bStart: number,
  strip: Float64Array,
  column: number,
  width: number,
): void {
  let [c00, c01, c02, c03, c10, c11, c12, c13] = [0, 0, 0, 0, 0, 0, 0, 0];
  let [c20, c21, c22, c23, c30, c31, c32, c33] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let k = 0, i = aStart, j = bStart; k < depth; k++, i += tile, j += tile) {
    const b0 = b[j]!;
    const b1 = b[j + 1]!;
    const b2 = b[j + 2]!;
    const b3 = b[j + 3]!;
    const a0 = a[i]!;
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    const a1 = a[i + 1]!;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    const a2 = a[i + 2]!;
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    c23 += a2 * b3;
    const a3 = a[i + 3]!;
    c30 += a3 * b0;
    c31 += a3 * b1;
    c32 += a3 * b2;
    c33 += a3 * b3;
  }
  writeFour(strip, column, c00, c01, c02, c03);
  writeFour(strip, column + width, c10, c11, c12, c13);
  writeFour(strip, column + 2 * width, c20, c21, c22, c23);
  writeFour(strip, column + 3 * width, c30, c31, c32, c33);
}

function writeFour(strip: Float64Array, at: number, c0: number, c1: number, c2: number, c3: number): void {
  strip[at] = c0;
  strip[at + 1] = c1;
  strip[at + 2] = c2;
  strip[at + 3] = c3;
}

/** out = alpha · strip (+ out), for `rows` rows of the strip. */
function store(
  out: Operand,
  row: number,
  rows: number,
  column: number,
  columns: number,
  strip: Float64Array,
  width: number,
  { alpha, accumulate }: { alpha: number; accumulate: boolean },
): void {
  const [rowStride, columnStride] = out.strides.slice(-2) as [number, number];
  const before = scratch(3, columns);
  for (let i = 0; i < rows; i++) {
    const offset = out.offset + (row + i) * rowStride + column * columnStride;
    const start = i * width;
    if (alpha !== 1) for (let j = 0; j < columns; j++) strip[start + j]! *= alpha;
    if (accumulate) {
      readRun(out, offset, columnStride, columns, before, 0);
      for (let j = 0; j < columns; j++) strip[start + j]! += before[j]!;
    }
    writeRun(out, offset, columnStride, columns, strip, start);
  }
}
