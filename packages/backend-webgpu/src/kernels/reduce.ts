/**
 * `reduce`: a workgroup or a thread per result, in chunks where results are few and sums long; the partial results of the chunks are
 * reduced in a second step. Which thread adds what depends on the shape only, so the bits do too.
 */
import type { PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { denseStrides } from "@modernbert-ts/tensor-core";
import type { DeviceBuffer } from "../device/memory.ts";
import { isPacked, valueType } from "../wgsl/access.ts";
import type { DeviceDType } from "../wgsl/access.ts";
import { halfGroup, groupThreads as threads } from "../wgsl/reduction.ts";
import { bindLane } from "./bind.ts";
import { extentParameters, laneParameters } from "./coordinates.ts";
import type { Device } from "./device.ts";
import { printReduce } from "./reduce-shader.ts";
import type { ReduceKind, ReduceVariant } from "./reduce-shader.ts";
import { boxesThatFit, continues, laneOf, mergeLoops } from "./space.ts";
import type { Lane } from "./space.ts";
import { throughFloat32 } from "./through-float32.ts";

/** Terms that one thread adds, or one workgroup, before they become a chunk of their own. */
const threadTerms = 256;
const groupTerms = 16_384;

/** Loops that stay and loops that are summed over; lanes are the input (both) and the output (only `kept`). */
interface Problem {
  readonly kind: ReduceKind;
  readonly kept: readonly number[];
  readonly reduced: readonly number[];
  readonly x: Lane & { readonly reducedStrides: readonly number[] };
  readonly y: Lane;
  /** The output already holds the result of earlier terms. */
  readonly combine: boolean;
}

function product(extents: readonly number[]): number {
  return extents.reduce((total, extent) => total * extent, 1);
}

/** @param copy The primitive `copy`. */
export function reduceKernels(
  device: Device,
  copy: (out: View, x: View) => void,
): Pick<PrimitiveKernels<View>, "reduce"> {
  const kernels: Pick<PrimitiveKernels<View>, "reduce"> = {
    reduce([out], [x], { kind, axes }) {
      if (out!.shape.includes(0)) return;
      const isReduced = (axis: number): boolean => axes.includes(axis);
      const from = laneOf(device, "reduce", x!, x!.strides);
      const dense = denseStrides(out!.shape);
      const to = laneOf(
        device,
        "reduce",
        out!,
        dense.map((stride, axis) => (isReduced(axis) ? 0 : stride)),
      );
      const boxes = boxesThatFit(device, x!.shape, [from, to]);
      if (isPacked(to.dtype) && boxes.some((box) => continues(box, isReduced))) {
        throughFloat32(device, copy, out!, false, (wide) => kernels.reduce([wide], [x!], { kind, axes }));
        return;
      }
      for (const box of boxes) {
        const { extents, lanes } = box;
        const [xLane, yLane] = lanes as [Lane, Lane];
        const pick = (values: readonly number[], reduced: boolean): number[] =>
          values.filter((_, axis) => isReduced(axis) === reduced);
        reduce(device, {
          kind,
          kept: pick(extents, false),
          reduced: pick(extents, true),
          x: { ...xLane, strides: pick(xLane.strides, false), reducedStrides: pick(xLane.strides, true) },
          y: { ...yLane, strides: pick(yLane.strides, false) },
          combine: continues(box, isReduced),
        });
      }
    },
  };
  return kernels;
}

function reduce(device: Device, problem: Problem): void {
  const { x, y } = problem;
  const kept = mergeLoops(problem.kept, [x, y]);
  const reduced = mergeLoops(problem.reduced, [{ ...x, strides: x.reducedStrides }]);
  const terms = product(problem.reduced);
  const results = product(problem.kept);
  const byThread = terms <= 32 || (results >= 256 && kept.lanes[0]!.strides.at(-1) === 1);
  const chunkTerms = byThread ? threadTerms : groupTerms;
  const chunks = terms > 2 * chunkTerms ? Math.ceil(terms / chunkTerms) : 1;
  const step = { ...problem, kept: kept.extents, reduced: reduced.extents, byThread };
  const merged = { ...x, strides: kept.lanes[0]!.strides, reducedStrides: reduced.lanes[0]!.strides };
  if (chunks === 1) {
    run(device, {
      ...step,
      x: merged,
      y: { ...y, strides: kept.lanes[1]!.strides },
      chunks,
      chunkTerms: terms,
      chunkStride: 0,
    });
    return;
  }
  device.memory.pool.lend(chunks * results * 4, (scratch) => {
    const partial = partials(scratch, x.dtype, kept.extents);
    run(device, { ...step, x: merged, y: partial, chunks, chunkTerms, chunkStride: results, combine: false });
    reduce(device, {
      ...step,
      x: { ...partial, reducedStrides: [results] },
      reduced: [chunks],
      y: { ...y, strides: kept.lanes[1]!.strides },
      combine: problem.combine,
    });
  });
}

function partials(buffer: DeviceBuffer, dtype: DeviceDType, kept: readonly number[]): Lane {
  return { buffer, dtype: valueType(dtype), offset: 0, strides: denseStrides(kept) };
}

interface Step extends Problem {
  readonly byThread: boolean;
  readonly chunks: number;
  readonly chunkTerms: number;
  readonly chunkStride: number;
}

function run(device: Device, step: Step): void {
  const { kind, kept, reduced, x, y, byThread, chunks, chunkTerms, chunkStride, combine } = step;
  const [terms, results] = [product(reduced), product(kept)];
  const all = [...kept, ...reduced];
  const from = bindLane(device, "x", all, { ...x, strides: [...x.strides, ...x.reducedStrides] }, false);
  const to = bindLane(device, "y", [...kept, chunks], { ...y, strides: [...y.strides, chunkStride] }, true);
  const [rank, reducedRank] = [kept.length, reduced.length];
  const variant: ReduceVariant = { kind, from: x.dtype, to: y.dtype, rank, reducedRank, byThread };
  device.stream.dispatch({
    key: `reduce ${JSON.stringify(variant)}`,
    parameters: [
      ["results", "u32", results],
      ["chunks", "u32", chunks],
      ["terms", "u32", terms],
      ["chunk_terms", "u32", chunkTerms],
      ["chunk_stride", "u32", chunkStride],
      ["combine", "u32", combine ? 1 : 0],
      halfGroup,
      ...extentParameters(kept),
      ...extentParameters(reduced, "r"),
      ...laneParameters("x", from.base, x.strides),
      ...x.reducedStrides.map((stride, axis) => [`x_r${axis}`, "u32", stride] as const),
      ...laneParameters("y", to.base, y.strides),
    ],
    bindings: [from.binding, to.binding],
    groups: byThread ? Math.ceil((results * chunks) / threads) : results * chunks,
    body: () => printReduce(variant, device.features.subgroups),
  });
}
