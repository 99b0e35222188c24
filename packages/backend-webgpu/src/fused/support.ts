/** What the fused kernels share: when they refuse, and tensors for the length of a call. */
import type { DType, TensorSpec, View } from "@modernbert-ts/tensor-core";
import { bytesOf, denseStrides, sizeOf } from "@modernbert-ts/tensor-core";
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { bindDense } from "../kernels/space.ts";
import type { Bound, Device } from "../kernels/space.ts";

/** The device and the primitives that fused kernels are put together from. */
export interface Tools {
  readonly device: Device;
  readonly primitives: PrimitiveKernels<View>;
  /** Fills with zeros. */
  clear(view: View): void;
}

type Answer = true | { readonly reason: string };

/** true when floats are f32, indices i32 and (unless `windows`) every tensor fits one binding; else a reason for `fusedReport()`. */
export function supportsDense(
  { maxBindingBytes, bindingAlignment }: Device,
  tensors: readonly (TensorSpec | null)[],
  { indices = [], windows = false }: { readonly indices?: readonly number[]; readonly windows?: boolean } = {},
): Answer {
  for (const [at, tensor] of tensors.entries()) {
    if (!tensor) continue;
    const expected: DType = indices.includes(at) ? "i32" : "f32";
    if (tensor.dtype !== expected) {
      return { reason: `the WebGPU kernel takes input ${at} in ${expected}, got ${tensor.dtype}` };
    }
    const bytes = sizeOf(tensor.shape) * bytesOf(tensor.dtype);
    if (!windows && bytes > maxBindingBytes - 2 * bindingAlignment) {
      return { reason: `the WebGPU kernel binds whole tensors of at most ${maxBindingBytes} bytes, got ${bytes}` };
    }
  }
  return true;
}

/** A dense f32 tensor for the length of `body`. */
export function withTensor<T>({ memory }: Device, shape: readonly number[], body: (view: View) => T): T {
  const buffer = memory.allocate(sizeOf(shape) * 4);
  try {
    return body({ buffer, dtype: "f32", shape, strides: denseStrides(shape), offset: 0 });
  } finally {
    memory.release(buffer);
  }
}

/** Binds the tensors that are there, in order, the outputs first. */
export function bindAll(
  device: Device,
  operation: string,
  outputs: Readonly<Record<string, View | null | undefined>>,
  inputs: Readonly<Record<string, View | null | undefined>>,
): { readonly bound: readonly Bound[]; readonly bases: readonly (readonly [string, "u32", number])[] } {
  const bind = (views: typeof inputs, writes: boolean): Bound[] =>
    Object.entries(views).flatMap(([name, view]) => (view ? bindDense(device, operation, name, view, writes) : []));
  const bound = [...bind(outputs, true), ...bind(inputs, false)];
  return { bound, bases: bound.map(({ binding, base }) => [`${binding.name}_base`, "u32", base] as const) };
}

/** A dense tensor seen with another shape. */
export function reshaped(view: View, shape: readonly number[]): View {
  return { ...view, shape, strides: denseStrides(shape) };
}

/** Rows `from` … `from + count` of a dense matrix. */
export function rowsOf(view: View, from: number, count: number): View {
  const shape = [count, ...view.shape.slice(1)];
  return {
    ...view,
    shape,
    strides: denseStrides(shape),
    offset: view.offset + (from * sizeOf(shape)) / Math.max(1, count),
  };
}

export function transposed(view: View): View {
  const [rows, columns] = view.shape as [number, number];
  const [rowStride, columnStride] = view.strides as [number, number];
  return { ...view, shape: [columns, rows], strides: [columnStride, rowStride] };
}
