/** The shaders that a product can take, and which of them it fits: what `matmul.ts`, its choice and its tuning agree on. */
import type { DeviceDType, QuadAccess } from "../wgsl/access.ts";
import type { RecipeName } from "./recipe-names.ts";
import type { Lane } from "./space.ts";

/** Rows and columns of the result that a workgroup makes. */
export interface Recipe {
  readonly name: RecipeName;
  readonly kind: "tiled" | "direct";
  readonly rows: number;
  readonly columns: number;
  /** Depth that a tile holds at a time. */
  readonly depth: number;
  /** Rows per thread. A thread has four columns. */
  readonly threadRows: number;
}

export const columnsPerThread = 4;

/**
 * `flat` is for few rows; `large` reads memory least and wants many workgroups. `direct` has no barriers and leans on the cache: software
 * adapters run it several times faster than the tiled ones, whose barriers cost them more than memory does.
 */
export const recipes: Readonly<Record<RecipeName, Recipe>> = {
  flat: { name: "flat", kind: "tiled", rows: 4, columns: 64, depth: 32, threadRows: 1 },
  medium: { name: "medium", kind: "tiled", rows: 32, columns: 32, depth: 16, threadRows: 4 },
  large: { name: "large", kind: "tiled", rows: 64, columns: 64, depth: 16, threadRows: 4 },
  direct: { name: "direct", kind: "direct", rows: 8, columns: 128, depth: 4, threadRows: 4 },
};

export function threadsOf({ rows, columns, threadRows }: Recipe): number {
  return (rows / threadRows) * (columns / columnsPerThread);
}

/** A batched product y = a·b as extents and lanes; the last loops are rows, columns and depth. */
export interface Product {
  readonly extents: readonly number[];
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly batches: number;
  /** a, b, y. */
  readonly lanes: readonly [Lane, Lane, Lane];
  /** The batch loops, merged. */
  readonly batch: { readonly extents: readonly number[]; readonly lanes: readonly Lane[] };
}

/** What a shader's text depends on. */
export interface Variant {
  readonly recipe: Recipe;
  /** Operands are read and written in groups of four. */
  readonly quads: boolean;
  /** Of a, b and y; they differ within fused kernels, and where a 16-bit result is summed in parts. */
  readonly dtypes: readonly [DeviceDType, DeviceDType, DeviceDType];
  readonly batchRank: number;
  /** Neighbours in memory are neighbours in depth, not in rows or columns. */
  readonly aAlongDepth: boolean;
  readonly bAlongDepth: boolean;
  /** Both operands are f16 and multiplied so; see `matmul-operands.ts`. */
  readonly half: boolean;
  /** How groups of four are read. */
  readonly access: QuadAccess;
}

/** True where both operands are f16. */
export function hasHalves({ lanes: [a, b] }: Product): boolean {
  return a.dtype === "f16" && b.dtype === "f16";
}

export function groupsOf({ rows, columns, batches }: Product, recipe: Recipe): number {
  return Math.ceil(rows / recipe.rows) * Math.ceil(columns / recipe.columns) * batches;
}

/** @param side Stride of rows or columns. */
export function isAlongDepth(side: number, depth: number): boolean {
  return depth === 1 || side !== 1;
}

function fours(...numbers: readonly number[]): boolean {
  return numbers.every((number) => number % 4 === 0);
}

/** True where a, b and y can be seen in groups of four neighbours that never straddle an edge. */
export function canUseQuads({ rows, columns, depth, lanes, batch }: Product): boolean {
  const aligned = lanes.every(({ offset }, at) => fours(offset, ...batch.lanes[at]!.strides));
  const [a, b, y] = lanes.map(({ strides }) => strides.slice(-3)) as [number[], number[], number[]];
  const fits = (side: number, depthStride: number, extent: number): boolean =>
    isAlongDepth(side, depthStride) ? depthStride === 1 && fours(side, depth) : fours(depthStride, extent);
  return aligned && fits(a[0]!, a[2]!, rows) && fits(b[1]!, b[2]!, columns) && y[1] === 1 && fours(y[0]!, columns);
}
