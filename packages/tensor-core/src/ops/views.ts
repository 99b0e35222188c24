/** Views: other layouts of the same storage. They cost nothing; only `reshape` of a strided tensor and `concat` copy. */
import { ShapeError } from "../errors.ts";
import { broadcastStrides, checkShape, denseStrides, resolveAxis, showShape, sizeOf } from "../shape.ts";
import type { Shape } from "../shape.ts";
import type { Layout, Tensor } from "../tensor/tensor.ts";
import { zeros } from "./create.ts";
import { applyPrimitive } from "./apply-primitive.ts";
import { assign, contiguous } from "./elementwise.ts";

function view(a: Tensor, layout: Layout, backward: (gradient: Tensor) => Tensor): Tensor {
  const result = a.runtime.own(a.alias(layout));
  a.runtime.tape?.recordView(a, result, backward);
  return result;
}

/** Same elements in row-major order, another shape; one extent may be -1. @throws ShapeError when the elements are not as many. */
export function reshape(a: Tensor, shape: Shape): Tensor {
  const known = sizeOf(shape.filter((extent) => extent !== -1));
  const resolved = shape.map((extent) => (extent === -1 ? (known === 0 ? 0 : a.size / known) : extent));
  checkShape("reshape", resolved);
  if (sizeOf(resolved) !== a.size) {
    throw new ShapeError("reshape", `expected ${a.size} elements (${showShape(a.shape)}), got ${showShape(shape)}`);
  }
  return a.runtime.scope(() => {
    const dense = contiguous(a);
    const layout = { shape: resolved, strides: denseStrides(resolved), offset: dense.offset };
    return view(dense, layout, (gradient) => reshape(gradient, a.shape));
  });
}

/** Axis i of the result is axis `order[i]` of `a`. @throws ShapeError unless `order` has each axis once. */
export function permute(a: Tensor, order: readonly number[]): Tensor {
  if (order.length !== a.rank || new Set(order).size !== a.rank || order.some((axis) => a.shape[axis] === undefined)) {
    throw new ShapeError("permute", `expected an order of ${a.rank} axes, got ${showShape(order)}`);
  }
  const layout = {
    shape: order.map((axis) => a.shape[axis]!),
    strides: order.map((axis) => a.strides[axis]!),
    offset: a.offset,
  };
  return view(a, layout, (gradient) =>
    permute(
      gradient,
      order.map((_, axis) => order.indexOf(axis)),
    ),
  );
}

/** Swaps the last two axes. */
export function transpose(a: Tensor): Tensor {
  const order = a.shape.map((_, axis) => axis);
  return permute(a, [...order.slice(0, -2), a.rank - 1, a.rank - 2]);
}

/** Elements `start` … `end - 1` along one axis. @throws ShapeError when the range lies outside the axis. */
export function slice(a: Tensor, axis: number, start: number, end: number): Tensor {
  const at = resolveAxis("slice", axis, a.rank);
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= a.shape[at]!)) {
    throw new ShapeError("slice", `expected 0 ≤ start ≤ end ≤ ${a.shape[at]} on axis ${axis}, got ${start} and ${end}`);
  }
  return view(a, sliceLayout(a, at, start, end), (gradient) => {
    const padded = zeros(a.runtime, a.shape, gradient.dtype);
    assignPart(padded, sliceLayout(padded, at, start, end), gradient);
    return padded;
  });
}

/** Overwrites the part of `whole` that `layout` shows. */
function assignPart(whole: Tensor, layout: Layout, source: Tensor): void {
  const part = whole.alias(layout);
  assign(part, source);
  part.dispose();
}

function sliceLayout(a: Tensor, axis: number, start: number, end: number): Layout {
  return { shape: a.shape.with(axis, end - start), strides: a.strides, offset: a.offset + start * a.strides[axis]! };
}

/**
 * Repeats axes of extent 1 (and missing leading axes) up to `shape` without copying.
 * @throws ShapeError when `a` does not broadcast to `shape`.
 */
export function expand(a: Tensor, shape: Shape): Tensor {
  const lead = shape.length - a.rank;
  if (lead < 0 || a.shape.some((extent, axis) => extent !== 1 && extent !== shape[axis + lead])) {
    throw new ShapeError(
      "expand",
      `expected a shape that ${showShape(a.shape)} broadcasts to, got ${showShape(shape)}`,
    );
  }
  return view(a, { shape, strides: broadcastStrides(a.shape, a.strides, shape), offset: a.offset }, (gradient) => {
    const axes = shape.flatMap((extent, axis) =>
      axis < lead || (a.shape[axis - lead] === 1 && extent !== 1) ? [axis] : [],
    );
    const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
    return reshape(
      applyPrimitive("reduce", a.runtime, { shape: kept, dtype: a.dtype }, [gradient], { kind: "sum", axes }),
      a.shape,
    );
  });
}

/** Joins tensors that differ only along `axis`. @throws ShapeError */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0];
  if (!first) throw new ShapeError("concat", "expected at least one tensor, got none");
  const at = resolveAxis("concat", axis, first.rank);
  const starts: number[] = [];
  let extent = 0;
  for (const part of parts) {
    if (part.rank !== first.rank || part.shape.some((size, i) => i !== at && size !== first.shape[i])) {
      throw new ShapeError(
        "concat",
        `expected shapes that differ on axis ${axis} only, got ${parts.map((p) => showShape(p.shape)).join(" and ")}`,
      );
    }
    starts.push(extent);
    extent += part.shape[at]!;
  }
  const { runtime } = first;
  const result = runtime.empty(first.shape.with(at, extent), first.dtype);
  parts.forEach((part, i) => {
    assignPart(result, sliceLayout(result, at, starts[i]!, starts[i]! + part.shape[at]!), part);
  });
  const extents = parts.map((part) => part.shape[at]!);
  runtime.tape?.record(
    parts,
    [result],
    () => [],
    ([gradient]) => (gradient ? extents.map((size, i) => slice(gradient, at, starts[i]!, starts[i]! + size)) : []),
  );
  return result;
}
