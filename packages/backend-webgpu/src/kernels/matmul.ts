/**
 * `matmul`: workgroups multiply tiles through workgroup memory, each thread a few rows by four columns in registers. Strides are free,
 * so transposes cost nothing but the order in which a tile is loaded, which is a variant of the shader.
 */
import type { PrimitiveAttrs, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { groupIndex, mainArguments } from "../device/stream.ts";
import type { Binding } from "../device/stream.ts";
import { isPacked, loadFunction, storeFunction } from "../wgsl/access.ts";
import type { DeviceDType } from "../wgsl/access.ts";
import {
  bindLane,
  boxesThatFit,
  continues,
  extentParameters,
  laneOf,
  laneParameters,
  mergeLoops,
  printAddress,
  printCoordinates,
  throughFloat32,
} from "./space.ts";
import type { Device, Lane } from "./space.ts";

/** Rows and columns of a tile, the depth loaded at a time, rows per thread. A thread has four columns. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly threadRows: number;
}

const columnsPerThread = 4;
const large: Tile = { rows: 64, columns: 64, depth: 16, threadRows: 4 };
const medium: Tile = { rows: 32, columns: 32, depth: 16, threadRows: 4 };
const flat: Tile = { rows: 4, columns: 64, depth: 32, threadRows: 1 };

/** Few rows take the flat tile; the large one only where it makes enough workgroups to fill a device. */
function chooseTile(rows: number, columns: number, batches: number): Tile {
  if (rows <= 8) return flat;
  return Math.floor(rows / 64) * Math.floor(columns / 64) * batches >= 32 ? large : medium;
}

/** @param copy The primitive `copy`. */
export function matmulKernels(
  device: Device,
  copy: (out: View, x: View) => void,
): Pick<PrimitiveKernels<View>, "matmul"> {
  const kernels: Pick<PrimitiveKernels<View>, "matmul"> = {
    matmul([out], [a, b], attrs) {
      if (out!.shape.includes(0)) return;
      const rank = out!.shape.length;
      // Loops: batch axes, then rows, columns, depth.
      const extents = [...out!.shape, a!.shape[rank - 1]!];
      const [aRow, aDepth] = lastStrides(a!);
      const [bDepth, bColumn] = lastStrides(b!);
      const [row, column] = lastStrides(out!);
      const lane = (view: View, ...strides: number[]): Lane =>
        laneOf(device, "matmul", view, [...view.strides.slice(0, -2), ...strides]);
      const lanes = [lane(a!, aRow, 0, aDepth), lane(b!, 0, bColumn, bDepth), lane(out!, row, column, 0)];
      const boxes = boxesThatFit(device, extents, lanes);
      const isDepth = (axis: number): boolean => axis === rank;
      if (isPacked(lanes[2]!.dtype) && boxes.some((box) => continues(box, isDepth))) {
        throughFloat32(device, copy, out!, attrs.accumulate, (wide) => kernels.matmul([wide], [a!, b!], attrs));
        return;
      }
      for (const box of boxes) {
        const accumulate = attrs.accumulate || continues(box, isDepth);
        multiply(device, box.extents, box.lanes as [Lane, Lane, Lane], { ...attrs, accumulate });
      }
    },
  };
  return kernels;
}

function lastStrides(view: View): [number, number] {
  return view.strides.slice(-2) as [number, number];
}

/** The lane with rows and columns exchanged. */
function swapped(lane: Lane): Lane {
  const [row, column, depth] = lane.strides.slice(-3) as [number, number, number];
  return { ...lane, strides: [...lane.strides.slice(0, -3), column, row, depth] };
}

function multiply(
  device: Device,
  extents: readonly number[],
  [a, b, out]: readonly [Lane, Lane, Lane],
  { alpha, accumulate }: PrimitiveAttrs["matmul"],
): void {
  const [rows, columns, depth] = extents.slice(-3) as [number, number, number];
  if (columns <= 8 && rows > columns) {
    // A narrow product is the transpose of a flat one.
    const turned = [...extents.slice(0, -3), columns, rows, depth];
    return multiplyTiles(device, turned, [swapped(b), swapped(a), swapped(out)], alpha, accumulate);
  }
  multiplyTiles(device, extents, [a, b, out], alpha, accumulate);
}

function multiplyTiles(
  device: Device,
  extents: readonly number[],
  lanes: readonly [Lane, Lane, Lane],
  alpha: number,
  accumulate: boolean,
): void {
  const [rows, columns, depth] = extents.slice(-3) as [number, number, number];
  const batch = mergeLoops(
    extents.slice(0, -3),
    lanes.map((lane) => ({ ...lane, strides: lane.strides.slice(0, -3) })),
  );
  const batches = batch.extents.reduce((product, extent) => product * extent, 1);
  const tile = chooseTile(rows, columns, batches);
  const tilesM = Math.ceil(rows / tile.rows);
  const tilesN = Math.ceil(columns / tile.columns);
  const names = ["a", "b", "y"];
  const bound = lanes.map((lane, at) => bindLane(device, names[at]!, extents, lane, at === 2));
  const [a, b, y] = lanes.map(({ strides }) => strides.slice(-3)) as [number[], number[], number[]];
  const variant = {
    tile,
    dtype: lanes[0].dtype,
    result: lanes[2].dtype,
    batchRank: batch.extents.length,
    aAlongDepth: a[2] === 1 || a[0] !== 1,
    bAlongDepth: b[2] === 1 && b[1] !== 1,
  };
  device.stream.dispatch({
    key: `matmul ${JSON.stringify(variant)}`,
    parameters: [
      ["rows", "u32", rows],
      ["columns", "u32", columns],
      ["depth", "u32", depth],
      ["tiles_m", "u32", tilesM],
      ["tiles_n", "u32", tilesN],
      ["batches", "u32", batches],
      ["alpha", "f32", alpha],
      ["accumulate", "u32", accumulate ? 1 : 0],
      ["a_row", "u32", a[0]!],
      ["a_depth", "u32", a[2]!],
      ["b_column", "u32", b[1]!],
      ["b_depth", "u32", b[2]!],
      ["y_row", "u32", y[0]!],
      ["y_column", "u32", y[1]!],
      ...extentParameters(batch.extents),
      ...bound.flatMap(({ base }, at) => laneParameters(names[at]!, base, batch.lanes[at]!.strides)),
    ],
    bindings: bound.map(({ binding }): Binding => binding),
    groups: tilesM * tilesN * batches,
    body: () => print(variant),
  });
}

interface Variant {
  readonly tile: Tile;
  readonly dtype: DeviceDType;
  /** f32 where a 16-bit result is summed in parts. */
  readonly result: DeviceDType;
  readonly batchRank: number;
  /** Neighbouring threads load along the depth, not along rows or columns. */
  readonly aAlongDepth: boolean;
  readonly bAlongDepth: boolean;
}

/** Loads a tile of `lanes` × depth into workgroup memory laid out [depth][lanes], zeros beyond the edges. */
function printLoad(name: "a" | "b", lanes: number, tile: Tile, threads: number, alongDepth: boolean): string {
  const [side, first, end] = name === "a" ? ["row", "first_row", "rows"] : ["column", "first_column", "columns"];
  const total = lanes * tile.depth;
  const place = alongDepth
    ? `let k = e % ${tile.depth}u; let lane = e / ${tile.depth}u;`
    : `let lane = e % ${lanes}u; let k = e / ${lanes}u;`;
  return `for (var e = local; e < ${total}u; e += ${threads}u) {
      ${place}
      var v = 0.0;
      if (${first} + lane < p.${end} && start + k < p.depth) {
        v = load_${name}(${name}_at + (${first} + lane) * p.${name}_${side} + (start + k) * p.${name}_depth);
      }
      tile_${name}[k * ${lanes}u + lane] = v;
    }`;
}

function print({ tile, dtype, result, batchRank, aAlongDepth, bAlongDepth }: Variant): string {
  const { rows, columns, depth, threadRows } = tile;
  const threadsAcross = columns / columnsPerThread;
  const threads = (rows / threadRows) * threadsAcross;
  const each = Array.from({ length: threadRows }, (_, row) => row);
  return `${loadFunction("a", dtype)}
${loadFunction("b", dtype)}
${loadFunction("y", result, true)}
${storeFunction("y", result)}

var<workgroup> tile_a: array<f32, ${rows * depth}>;
var<workgroup> tile_b: array<f32, ${columns * depth}>;

fn finish(sum: f32, row: u32, column: u32, y_at: u32) {
  if (row >= p.rows || column >= p.columns) { return; }
  let at = y_at + row * p.y_row + column * p.y_column;
  var value = p.alpha * sum;
  if (p.accumulate != 0u) { value += load_y(at); }
  store_y(at, value);
}

@compute @workgroup_size(${threads}) fn main(${mainArguments}) {
  let index = ${groupIndex};
  let batch = index / (p.tiles_m * p.tiles_n);
  if (batch >= p.batches) { return; }
  let first_column = (index % p.tiles_n) * ${columns}u;
  let first_row = (index / p.tiles_n % p.tiles_m) * ${rows}u;
  ${printCoordinates(batchRank, "batch")}
  let a_at = ${printAddress("a", batchRank)};
  let b_at = ${printAddress("b", batchRank)};
  let y_at = ${printAddress("y", batchRank)};
  let thread_row = (local / ${threadsAcross}u) * ${threadRows}u;
  let thread_column = (local % ${threadsAcross}u) * 4u;
  ${each.map((row) => `var sum${row} = vec4f();`).join(" ")}
  for (var start = 0u; start < p.depth; start += ${depth}u) {
    ${printLoad("a", rows, tile, threads, aAlongDepth)}
    ${printLoad("b", columns, tile, threads, bAlongDepth)}
    workgroupBarrier();
    // The bound is no constant: unrolled, this loop takes software adapters ten seconds to compile.
    let steps = min(${depth}u, p.depth - start);
    for (var k = 0u; k < steps; k++) {
      let at_b = k * ${columns}u + thread_column;
      let b = vec4f(tile_b[at_b], tile_b[at_b + 1u], tile_b[at_b + 2u], tile_b[at_b + 3u]);
      let at_a = k * ${rows}u + thread_row;
      ${each.map((row) => `sum${row} += tile_a[at_a + ${row}u] * b;`).join("\n      ")}
    }
    workgroupBarrier();
  }
  let row = first_row + thread_row;
  let column = first_column + thread_column;
  ${each
    .flatMap((row) =>
      [0, 1, 2, 3].map((column) => `finish(sum${row}[${column}], row + ${row}u, column + ${column}u, y_at);`),
    )
    .join("\n  ")}
}`;
}
