/** `reduce`: sums and maxima in double precision, in the order of the elements. */
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { blockSize, openStream, readStream, scratch, writeStream } from "./operand.ts";
import type { Operand } from "./operand.ts";

export const reduceKernels: Pick<PrimitiveKernels<Operand>, "reduce"> = {
  reduce([out], [x], { kind, axes }) {
    const { source, outer, depth, lanes } = arrange(x!, axes);
    if (outer * lanes === 0) return;
    const from = openStream(source);
    const to = openStream(out!);
    const rows = Math.max(1, Math.floor(blockSize / lanes));
    const block = scratch(0, rows * lanes);
    const totals = scratch(1, lanes);
    for (let group = 0; group < outer; group++) {
      totals.fill(kind === "sum" ? 0 : -Infinity, 0, lanes);
      for (let row = 0; row < depth; row += rows) {
        const count = Math.min(rows, depth - row) * lanes;
        readStream(from, (group * depth + row) * lanes, count, block);
        if (kind === "sum") addRows(totals, block, count, lanes);
        else maxRows(totals, block, count, lanes);
      }
      writeStream(to, group * lanes, lanes, totals);
    }
  },
};

/**
 * Moves the reduced axes behind the kept ones, but leaves a kept last axis where it is: memory is then read along its rows.
 * The stream of `source` is [outer, depth, lanes], of which `depth` is reduced.
 */
function arrange(
  x: Operand,
  axes: readonly number[],
): { source: Operand; outer: number; depth: number; lanes: number } {
  const last = x.shape.length - 1;
  const kept: number[] = [];
  const reduced: number[] = [];
  for (let axis = 0; axis <= last; axis++) (axes.includes(axis) ? reduced : kept).push(axis);
  const lane = kept.at(-1) === last ? kept.splice(-1) : [];
  const order = [...kept, ...reduced, ...lane];
  const extentOf = (group: readonly number[]): number => group.reduce((product, axis) => product * x.shape[axis]!, 1);
  return {
    source: { ...x, shape: order.map((axis) => x.shape[axis]!), strides: order.map((axis) => x.strides[axis]!) },
    outer: extentOf(kept),
    depth: extentOf(reduced),
    lanes: extentOf(lane),
  };
}

function addRows(totals: Float64Array, block: Float64Array, count: number, lanes: number): void {
  if (lanes === 1) {
    let total = totals[0]!;
    for (let i = 0; i < count; i++) total += block[i]!;
    totals[0] = total;
    return;
  }
  for (let row = 0; row < count; row += lanes) {
    for (let lane = 0; lane < lanes; lane++) totals[lane]! += block[row + lane]!;
  }
}

function maxRows(totals: Float64Array, block: Float64Array, count: number, lanes: number): void {
  for (let row = 0; row < count; row += lanes) {
    for (let lane = 0; lane < lanes; lane++) totals[lane] = Math.max(totals[lane]!, block[row + lane]!);
  }
}
