/**
 * `matmul`: cuts what no binding holds, turns products so that results lie row by row, and hands them to one of the shaders: `tiled`
 * through workgroup memory, `direct` from registers. Which one is `matmul-choice.ts`'s business; each gives the same bits every time.
 */
import type { PrimitiveAttrs, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { isPacked } from "../wgsl/access.ts";
import { printDirect } from "./matmul-direct.ts";
import { canUseQuads, groupsOf, hasHalves, isAlongDepth } from "./matmul-recipes.ts";
import type { Product, Recipe, Variant } from "./matmul-recipes.ts";
import { printTiled } from "./matmul-tiled.ts";
import { bindLane, quadsOf } from "./bind.ts";
import { extentParameters, laneParameters } from "./coordinates.ts";
import type { Device } from "./device.ts";
import { boxesThatFit, continues, laneOf, mergeLoops } from "./space.ts";
import type { Lane } from "./space.ts";
import { throughFloat32 } from "./through-float32.ts";

type Attrs = PrimitiveAttrs["matmul"];

/**
 * @param copy The primitive `copy`.
 * @param choose Picks the shader.
 */
export function matmulKernels(
  device: Device,
  copy: (out: View, x: View) => void,
  choose: (product: Product) => Recipe,
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
        const product = turned(box.extents, box.lanes as [Lane, Lane, Lane]);
        run(device, product, choose(product), { ...attrs, accumulate });
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

/** The product with its result row by row where that can be had, and wide: a narrow one is the transpose of a flat one. */
function turned(extents: readonly number[], lanes: readonly [Lane, Lane, Lane]): Product {
  const [a, b, out] = lanes;
  const [rows, columns, depth] = extents.slice(-3) as [number, number, number];
  const [rowStride, columnStride] = out.strides.slice(-3) as [number, number, number];
  const narrow = columns <= 8 && rows > columns;
  const byColumns = columnStride !== 1 && rowStride === 1 && rows > 8;
  if (!narrow && !byColumns) return describeProduct(extents, lanes);
  return describeProduct([...extents.slice(0, -3), columns, rows, depth], [swapped(b), swapped(a), swapped(out)]);
}

/** @param extents Batch loops, rows, columns, depth. */
export function describeProduct(extents: readonly number[], lanes: readonly [Lane, Lane, Lane]): Product {
  const [rows, columns, depth] = extents.slice(-3) as [number, number, number];
  const batch = mergeLoops(
    extents.slice(0, -3),
    lanes.map((lane) => ({ ...lane, strides: lane.strides.slice(0, -3) })),
  );
  const batches = batch.extents.reduce((product, extent) => product * extent, 1);
  return { extents, rows, columns, depth, batches, lanes, batch };
}

/** Queues `product` with the shader of `recipe`. */
export function run(device: Device, product: Product, recipe: Recipe, { alpha, accumulate }: Attrs): void {
  const { extents, rows, columns, depth, batches, lanes, batch } = product;
  const quads = canUseQuads(product);
  const names = ["a", "b", "y"];
  const access = quadsOf(device);
  const bound = lanes.map((lane, at) =>
    bindLane(device, names[at]!, extents, lane, at === 2, quads ? access : "elements"),
  );
  const [a, b, y] = lanes.map(({ strides }) => strides.slice(-3)) as [number[], number[], number[]];
  const variant: Variant = {
    recipe,
    quads,
    dtypes: [lanes[0].dtype, lanes[1].dtype, lanes[2].dtype],
    batchRank: batch.extents.length,
    aAlongDepth: isAlongDepth(a[0]!, a[2]!),
    bAlongDepth: isAlongDepth(b[1]!, b[2]!),
    half: device.features.f16Arithmetic && hasHalves(product),
    access,
  };
  // With quads all addresses count groups of four, but for the steps within one.
  const unit = quads ? 4 : 1;
  const step = (stride: number): number => (stride === 1 ? 1 : stride / unit);
  device.stream.dispatch({
    key: `matmul ${JSON.stringify(variant)}`,
    parameters: [
      ["rows", "u32", rows],
      ["columns", "u32", columns],
      ["depth", "u32", depth],
      ["tiles_m", "u32", Math.ceil(rows / recipe.rows)],
      ["tiles_n", "u32", Math.ceil(columns / recipe.columns)],
      ["batches", "u32", batches],
      ["alpha", "f32", alpha],
      ["accumulate", "u32", accumulate ? 1 : 0],
      ["a_row", "u32", step(a[0]!)],
      ["a_depth", "u32", step(a[2]!)],
      ["b_column", "u32", step(b[1]!)],
      ["b_depth", "u32", step(b[2]!)],
      ["y_row", "u32", step(y[0]!)],
      ["y_column", "u32", y[1]!],
      ...extentParameters(batch.extents),
      ...bound.flatMap(({ base }, at) =>
        laneParameters(
          names[at]!,
          base / unit,
          batch.lanes[at]!.strides.map((stride) => stride / unit),
        ),
      ),
    ],
    bindings: bound.map(({ binding }) => binding),
    groups: groupsOf(product, recipe),
    body: () => (recipe.kind === "direct" ? printDirect(variant) : printTiled(variant)),
  });
}
