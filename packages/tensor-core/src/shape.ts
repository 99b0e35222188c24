/** Shapes and strides (in elements, row-major) and the small arithmetic on them. */
import { ShapeError } from "./errors.ts";

export type Shape = readonly number[];
export type Strides = readonly number[];

/** The largest rank that a backend must handle. */
export const maxRank = 6;

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Row-major strides of a dense tensor. */
export function denseStrides(shape: Shape): number[] {
  const strides = [...shape];
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** True when elements lie one after another in row-major order; strides of size-1 axes do not matter. */
export function isDense(shape: Shape, strides: Strides): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === 0) return true;
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** Resolves a possibly negative axis. @throws ShapeError when it lies outside the rank. */
export function resolveAxis(operation: string, axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(resolved) || resolved < 0 || resolved >= rank) {
    throw new ShapeError(operation, `expected an axis of a rank-${rank} tensor, got ${axis}`);
  }
  return resolved;
}

/** The shape that two shapes broadcast to (NumPy rules). @throws ShapeError when they do not broadcast. */
export function broadcastShapes(operation: string, shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = Array.from({ length: rank }, () => 1);
  for (const shape of shapes) {
    for (let axis = 0; axis < shape.length; axis++) {
      const at = rank - shape.length + axis;
      const extent = shape[axis]!;
      if (extent === 1) continue;
      if (result[at] !== 1 && result[at] !== extent) {
        throw new ShapeError(operation, `expected shapes that broadcast, got ${shapes.map(showShape).join(" and ")}`);
      }
      result[at] = extent;
    }
  }
  return result;
}

/** Strides that read a tensor of `shape` as if it had the broadcast shape `target`: 0 along broadcast axes. */
export function broadcastStrides(shape: Shape, strides: Strides, target: Shape): number[] {
  const lead = target.length - shape.length;
  return target.map((extent, axis) => {
    if (axis < lead) return 0;
    return shape[axis - lead] === 1 && extent !== 1 ? 0 : strides[axis - lead]!;
  });
}

/** Checks extents: non-negative integers whose product is a safe integer, rank at most `maxRank`. @throws ShapeError */
export function checkShape(operation: string, shape: Shape): void {
  if (shape.length > maxRank)
    throw new ShapeError(operation, `expected rank at most ${maxRank}, got ${showShape(shape)}`);
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0) || !Number.isSafeInteger(sizeOf(shape))) {
    throw new ShapeError(operation, `expected non-negative whole extents, got ${showShape(shape)}`);
  }
}

export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
