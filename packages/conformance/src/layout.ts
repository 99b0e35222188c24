/** Layouts: the many ways in which one logical array can lie in a buffer. */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { Shape } from "@modernbert-ts/tensor-core";

export interface Layout {
  readonly name: string;
  /** Elements before the first one. */
  readonly offset: number;
  /** Axes from the slowest to the fastest in memory, for a given rank. */
  order(rank: number): readonly number[];
  /** Along each axis only every `step`-th stored element belongs to the array. */
  readonly step: number;
  /** Axes (of a given rank) along which one element is repeated with stride 0. */
  broadcast(rank: number): readonly number[];
}

const forward = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis);
const none = (): readonly number[] => [];

export const dense: Layout = { name: "dense", offset: 0, order: forward, step: 1, broadcast: none };
export const offset: Layout = { ...dense, name: "offset", offset: 5 };
export const transposed: Layout = { ...dense, name: "transposed", order: (rank) => forward(rank).reverse() };
export const gapped: Layout = { ...dense, name: "gapped", offset: 1, step: 2 };
export const broadcastFirst: Layout = {
  ...dense,
  name: "broadcast first axis",
  broadcast: (rank) => forward(rank).slice(0, 1),
};
export const broadcastLast: Layout = {
  ...dense,
  name: "broadcast last axis",
  broadcast: (rank) => forward(rank).slice(-1),
};
export const broadcastAll: Layout = { ...dense, name: "broadcast all axes", offset: 2, broadcast: forward };

export const inputLayouts: readonly Layout[] = [
  dense,
  offset,
  transposed,
  gapped,
  broadcastFirst,
  broadcastLast,
  broadcastAll,
];
/** For outputs that must be dense. */
export const denseOutputs: readonly Layout[] = [dense, offset];
/** For outputs that may be strided: never broadcast. */
export const stridedOutputs: readonly Layout[] = [dense, offset, transposed, gapped];

export interface Placement {
  readonly offset: number;
  readonly strides: readonly number[];
  /** Elements that the buffer must hold, a few behind the last one included. */
  readonly length: number;
}

/** Strides, offset and buffer length of a layout for a shape. */
export function placeLayout(layout: Layout, shape: Shape): Placement {
  const repeated = layout.broadcast(shape.length);
  const strides = Array.from({ length: shape.length }, () => 0);
  let stride = 1;
  for (const axis of layout.order(shape.length).toReversed()) {
    if (repeated.includes(axis)) continue;
    stride *= layout.step;
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  const last = sizeOf(shape) === 0 ? 0 : shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis]!, 0);
  return { offset: layout.offset, strides, length: layout.offset + last + 1 + 3 };
}

/** Swaps the last two axes in memory: the factor is stored transposed. */
export const transposedLast: Layout = {
  ...dense,
  name: "transposed",
  order: (rank) => [...Array.from({ length: rank }, (_, axis) => axis).slice(0, -2), rank - 1, rank - 2],
};
