/** Sums, maxima and means over axes. */
import type { PrimitiveAttrs } from "../backend/primitives.ts";
import { resolveAxis } from "../shape.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { applyPrimitive } from "./apply-primitive.ts";
import { scale } from "./elementwise.ts";
import { reshape } from "./views.ts";

/** Reduced axes stay with extent 1. All axes by default. */
function reduce(kind: PrimitiveAttrs["reduce"]["kind"], a: Tensor, axes: readonly number[] | undefined): Tensor {
  const resolved = axes?.map((axis) => resolveAxis(kind, axis, a.rank)) ?? a.shape.map((_, axis) => axis);
  const shape = a.shape.map((extent, axis) => (resolved.includes(axis) ? 1 : extent));
  return applyPrimitive("reduce", a.runtime, { shape, dtype: a.dtype }, [a], { kind, axes: resolved });
}

/** Σ over `axes`, which stay with extent 1. */
export function sum(a: Tensor, axes?: readonly number[]): Tensor {
  return reduce("sum", a, axes);
}

/** Maximum over `axes`, which stay with extent 1. Ties share the gradient equally. */
export function max(a: Tensor, axes?: readonly number[]): Tensor {
  return reduce("max", a, axes);
}

/** Arithmetic mean over `axes`, which stay with extent 1. */
export function mean(a: Tensor, axes?: readonly number[]): Tensor {
  return a.runtime.scope(() => {
    const total = sum(a, axes);
    return scale(total, total.size / a.size);
  });
}

/** The sum of everything as a tensor of shape [1]. */
export function sumAll(a: Tensor): Tensor {
  return a.runtime.scope(() => reshape(sum(a), [1]));
}

/** Sums broadcast axes away, so that the result has `shape`. */
export function sumTo(a: Tensor, shape: Shape): Tensor {
  const lead = a.rank - shape.length;
  const axes = a.shape.flatMap((extent, axis) =>
    axis < lead || (shape[axis - lead] === 1 && extent !== 1) ? [axis] : [],
  );
  return a.runtime.scope(() => {
    const reduced = axes.length === 0 ? a : sum(a, axes);
    return lead === 0 ? reduced : reshape(reduced, shape);
  });
}
