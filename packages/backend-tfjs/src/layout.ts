/** How a view lies in its buffer: as stretches of neighbours, as a box in a dense grid, or as a list of addresses. */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { View } from "@modernbert-ts/tensor-core";

/** The distinct elements of a view in the order of their memory, with axes merged where one stride walks both. */
export interface Walk {
  readonly offset: number;
  /** The view's axes of more than one distinct element, widest stride first. */
  readonly axes: readonly number[];
  /** Of the merged axes; the last has stride 1, and extent 1 where no axis has that stride. */
  readonly extents: readonly number[];
  readonly strides: readonly number[];
}

/** The elements from `base` on are a dense array of shape `grid`, in which a walk is the box of its extents at `begin`. */
export interface Box {
  readonly base: number;
  readonly grid: readonly number[];
  readonly begin: readonly number[];
}

/** The shape of a view with extent 1 along the axes that repeat one element. */
export function distinctShape({ shape, strides }: View): number[] {
  return shape.map((extent, axis) => (strides[axis] === 0 && extent > 0 ? 1 : extent));
}

/** @param view Has elements. */
export function walkOf(view: View): Walk {
  const shape = distinctShape(view);
  const axes = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1);
  axes.sort((one, other) => view.strides[other]! - view.strides[one]! || one - other);
  const extents: number[] = [];
  const strides: number[] = [];
  for (const axis of axes) {
    const [extent, stride] = [shape[axis]!, view.strides[axis]!];
    if (strides.at(-1) === extent * stride) {
      extents.push(extents.pop()! * extent);
      strides.splice(-1, 1, stride);
    } else {
      extents.push(extent);
      strides.push(stride);
    }
  }
  if (strides.at(-1) !== 1) {
    extents.push(1);
    strides.push(1);
  }
  return { offset: view.offset, axes, extents, strides };
}

/** One element behind the last of a walk. */
export function endOf({ offset, extents, strides }: Walk): number {
  return extents.reduce((end, extent, at) => end + (extent - 1) * strides[at]!, offset + 1);
}

/** @returns undefined where no dense grid has the walk as a box: windows that overlap. */
export function boxOf({ offset, extents, strides }: Walk): Box | undefined {
  if (strides.some((stride, at) => at > 0 && strides[at - 1]! % stride !== 0)) return undefined;
  const grid = strides.map((stride, at) => (at === 0 ? extents[0]! : strides[at - 1]! / stride));
  const boxAt = (base: number): Box | undefined => {
    let rest = offset - base;
    const begin = strides.map((stride) => {
      const steps = Math.floor(rest / stride);
      rest -= steps * stride;
      return steps;
    });
    return grid.every((extent, at) => begin[at]! + extents[at]! <= extent) ? { base, grid, begin } : undefined;
  };
  // From a whole row before the walk, or, where that would lead it round its rows, from its own beginning.
  return boxAt(offset - (offset % strides[0]!)) ?? boxAt(offset);
}

/** Addresses of a walk in pieces of `piece` neighbours, counted in pieces. `steps` has, for each axis, where its indices lead. */
export interface Pieces {
  readonly piece: number;
  readonly first: number;
  readonly steps: readonly (readonly number[])[];
}

/** The largest pieces that a buffer, cut from its beginning, has in one piece. */
export function piecesOf({ offset, extents, strides }: Walk): Pieces {
  const run = extents.at(-1)!;
  const piece = strides.slice(0, -1).reduce(greatestDivisor, greatestDivisor(run, offset));
  const steps = extents.map((extent, at) => {
    const [count, stride] = at === extents.length - 1 ? [run / piece, piece] : [extent, strides[at]!];
    return Array.from({ length: count }, (_, index) => (index * stride) / piece);
  });
  return { piece, first: offset / piece, steps };
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** Whether a walk is one stretch of neighbours. */
export function isStretch({ extents }: Walk): boolean {
  return extents.at(-1) === sizeOf(extents);
}
