/** What the fused kernels share: when they refuse, and tensors for the length of a call. */
import { expectDtypes } from "@modernbert-ts/device-kit";
import type { Answer, FixedComposite } from "@modernbert-ts/device-kit";
import type { CompositeName, CompositeQuery, DType, TensorSpec, View } from "@modernbert-ts/tensor-core";
import { bytesOf, denseStrides, sizeOf } from "@modernbert-ts/tensor-core";
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { bindDense, quadsOf } from "../kernels/bind.ts";
import type { Bound } from "../kernels/bind.ts";
import type { Device } from "../kernels/device.ts";
import type { Binding } from "../device/dispatch.ts";
import { deviceDType, loadFunction, loadHalf, loadQuad, storeFunction, storeQuad } from "../wgsl/access.ts";
import type { DeviceDType, QuadAccess } from "../wgsl/access.ts";

/** The device and the primitives that fused kernels are put together from. */
export interface Tools {
  readonly device: Device;
  readonly primitives: PrimitiveKernels<View>;
  /** Fills with zeros. */
  clear(view: View): void;
}

const floats: readonly DType[] = ["f32", "f16", "bf16"];

/**
 * Whether a kernel takes the dtypes of a composite's inputs, and whole tensors fit one binding.
 * @param windows The kernel sees tensors through windows, so they may be larger.
 * @param dtypes Of inputs that are no whole numbers.
 */
export function supportsDense(
  { maxBindingBytes, bindingAlignment }: Device,
  composite: FixedComposite,
  { inputs, outputs }: Pick<CompositeQuery<CompositeName>, "inputs" | "outputs">,
  { windows = false, dtypes = floats }: { readonly windows?: boolean; readonly dtypes?: readonly DType[] } = {},
): Answer {
  const answer = expectDtypes(composite, inputs, dtypes);
  if (answer !== true || windows) return answer;
  const largest = Math.max(...[...inputs, ...outputs].map((tensor) => (tensor ? bytesOfTensor(tensor) : 0)));
  if (largest <= maxBindingBytes - 2 * bindingAlignment) return true;
  return { reason: `the WebGPU kernel binds whole tensors of at most ${maxBindingBytes} bytes, got ${largest}` };
}

function bytesOfTensor({ shape, dtype }: TensorSpec): number {
  return sizeOf(shape) * bytesOf(dtype);
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

/** Operands of a shader, bound. */
export interface Operands {
  readonly bindings: readonly Binding[];
  /** Parameters NAME_base, in elements or, for quads, in groups of four. */
  readonly bases: readonly (readonly [string, "u32", number])[];
  /** The dtypes, for the key of the pipeline. */
  readonly dtypes: string;
  /** WGSL functions `load_NAME`, `store_NAME`, or for quads `load4_NAME`, `store4_NAME`, of everything but indices. */
  readonly accessors: string;
}

/**
 * Binds the tensors that are there, in order, the outputs first.
 * @param quads Names of those that are seen in groups of four.
 * @param half `load4_NAME` of f16 inputs gives `vec4h`; needs f16 arithmetic.
 */
export function bindAll(
  device: Device,
  operation: string,
  outputs: Readonly<Record<string, View | null | undefined>>,
  inputs: Readonly<Record<string, View | null | undefined>>,
  quads: readonly string[] = [],
  half = false,
): Operands {
  const bind = (views: typeof inputs, writes: boolean): { bound: Bound; dtype: DeviceDType }[] =>
    Object.entries(views).flatMap(([name, view]) => {
      if (!view) return [];
      const access = quads.includes(name) ? quadsOf(device) : "elements";
      const bound = bindDense(device, operation, name, view, writes, { access });
      return { bound, dtype: deviceDType(operation, view.dtype) };
    });
  const all = [...bind(outputs, true), ...bind(inputs, false)];
  return {
    bindings: all.map(({ bound }) => bound.binding),
    bases: all.map(({ bound: { binding, base } }) => {
      return [`${binding.name}_base`, "u32", quads.includes(binding.name) ? base / 4 : base] as const;
    }),
    dtypes: all.map(({ dtype }) => dtype).join(" "),
    accessors: all
      .map(({ bound, dtype }) =>
        printAccessors(bound.binding, dtype, quads.includes(bound.binding.name) ? quadsOf(device) : undefined, half),
      )
      .join("\n"),
  };
}

function printAccessors(
  { name, writes }: Binding,
  dtype: DeviceDType,
  quads: QuadAccess | undefined,
  half: boolean,
): string {
  if (!floats.includes(dtype)) return "";
  if (quads === undefined) {
    const load = loadFunction(name, dtype, writes);
    return writes ? `${load}\n${storeFunction(name, dtype)}` : load;
  }
  if (writes) return `${loadQuad(name, dtype)}\n${storeQuad(name, dtype)}`;
  return half && dtype === "f16" ? loadHalf(name, true) : loadQuad(name, dtype, quads);
}

/** True where a dense view can be seen in groups of four. */
export function hasQuads({ offset }: View): boolean {
  return offset % 4 === 0;
}

/** `body` with views that can be seen in groups of four: the rare ones that cannot are copied. */
export function withQuads<const T extends readonly View[]>(
  { device, primitives }: Tools,
  views: T,
  body: (views: { readonly [K in keyof T]: View }) => void,
): void {
  const copies = new Map<View, View>();
  for (const view of views) {
    if (hasQuads(view)) continue;
    const buffer = device.memory.allocate(sizeOf(view.shape) * bytesOf(view.dtype));
    const copy = { ...view, buffer, strides: denseStrides(view.shape), offset: 0 };
    primitives.copy([copy], [view], {});
    copies.set(view, copy);
  }
  body(views.map((view) => copies.get(view) ?? view) as { [K in keyof T]: View });
  for (const { buffer } of copies.values()) device.memory.release(buffer);
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
