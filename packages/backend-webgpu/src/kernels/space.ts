/**
 * Iteration spaces: the loops of a primitive as extents, and each operand as a lane with one stride per loop (0 where it does not
 * move). Here loops are merged, split until every lane fits a binding, and lanes become bindings.
 */
import type { View } from "@modernbert-ts/tensor-core";
import { UnsupportedError, bytesOf, denseStrides, sizeOf } from "@modernbert-ts/tensor-core";
import type { DeviceBuffer, Memory } from "../device/memory.ts";
import type { Binding, Parameter } from "../device/dispatch.ts";
import type { Stream } from "../device/stream.ts";
import { deviceDType, quadType, rawType, storageType } from "../wgsl/access.ts";
import type { DeviceDType } from "../wgsl/access.ts";

/** What kernels need of the backend. */
export interface Device {
  readonly stream: Stream;
  readonly memory: Memory;
  /** Three words that kernels set when they meet a bad value; see `errorBinding`. */
  readonly errors: DeviceBuffer;
  /** Tells the backend that the next transfer must look at `errors`. */
  markErrors(): void;
  /** Largest window of a buffer that a shader may see. */
  readonly maxBindingBytes: number;
  /** Windows start at multiples of this. */
  readonly bindingAlignment: number;
  readonly maxBindings: number;
  /** Software adapters: a barrier costs them more than the memory traffic that it saves. */
  readonly avoidsBarriers: boolean;
  /** WGSL has `dot4I8Packed`. */
  readonly hasPackedDot: boolean;
}

export interface Lane {
  readonly buffer: DeviceBuffer;
  readonly dtype: DeviceDType;
  /** In elements from the start of the buffer. */
  readonly offset: number;
  readonly strides: readonly number[];
}

/** A part of a space. */
export interface Box {
  readonly extents: readonly number[];
  /** Where it starts in the whole space. */
  readonly start: readonly number[];
  readonly lanes: readonly Lane[];
}

/** A lane as a binding and the place of its first element in the window. */
export interface Bound {
  readonly binding: Binding;
  readonly base: number;
}

export function laneOf({ memory }: Device, operation: string, view: View, strides: readonly number[]): Lane {
  const { offset } = view;
  return { buffer: memory.find(operation, view.buffer), dtype: deviceDType(operation, view.dtype), offset, strides };
}

/** Elements from the first to the last that the lane touches, both included. */
function spanOf(extents: readonly number[], { strides }: Lane): number {
  if (extents.includes(0)) return 1;
  return 1 + extents.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis]!, 0);
}

/** How many elements the lane visits, repeated ones once. */
function elementsOf(extents: readonly number[], { strides }: Lane): number {
  return extents.reduce((count, extent, axis) => (strides[axis] === 0 ? count : count * extent), 1);
}

function fits(device: Device, extents: readonly number[], lane: Lane): boolean {
  const { maxBindingBytes, bindingAlignment } = device;
  if (lane.buffer.size <= maxBindingBytes) return true;
  return spanOf(extents, lane) * bytesOf(lane.dtype) <= maxBindingBytes - 2 * bindingAlignment;
}

/** Cuts the space in halves along the loop that takes a lane furthest, until every lane fits a binding. In order of the space. */
export function boxesThatFit(device: Device, extents: readonly number[], lanes: readonly Lane[]): Box[] {
  const whole = { extents, start: extents.map(() => 0), lanes };
  return extents.includes(0) ? [whole] : cut(device, whole);
}

function cut(device: Device, box: Box): Box[] {
  const { extents, start, lanes } = box;
  const large = lanes.find((lane) => !fits(device, extents, lane));
  if (large === undefined) return [box];
  let axis = 0;
  const reach = (at: number): number => (extents[at]! - 1) * large.strides[at]!;
  for (let at = 1; at < extents.length; at++) if (reach(at) > reach(axis)) axis = at;
  const half = Math.ceil(extents[axis]! / 2);
  const first = { ...box, extents: extents.with(axis, half) };
  const second = {
    extents: extents.with(axis, extents[axis]! - half),
    start: start.with(axis, start[axis]! + half),
    lanes: lanes.map((lane) => ({ ...lane, offset: lane.offset + half * lane.strides[axis]! })),
  };
  return [...cut(device, first), ...cut(device, second)];
}

/** Drops loops of one step and merges neighbours that every lane walks with one stride. At least one loop remains. */
export function mergeLoops(extents: readonly number[], lanes: readonly Lane[]): { extents: number[]; lanes: Lane[] } {
  const kept: number[] = [];
  const strides: number[][] = lanes.map(() => []);
  extents.forEach((extent, axis) => {
    if (extent === 1) return;
    const last = kept.length - 1;
    const mergeable = last >= 0 && lanes.every((lane, at) => strides[at]![last] === lane.strides[axis]! * extent);
    if (mergeable) {
      kept[last]! *= extent;
      lanes.forEach((lane, at) => (strides[at]![last] = lane.strides[axis]!));
    } else {
      kept.push(extent);
      lanes.forEach((lane, at) => strides[at]!.push(lane.strides[axis]!));
    }
  });
  if (kept.length === 0) {
    kept.push(1);
    for (const each of strides) each.push(0);
  }
  return { extents: kept, lanes: lanes.map((lane, at) => ({ ...lane, strides: strides[at]! })) };
}

/** How a shader sees a binding: element by element, as bits, or in groups of four. */
export type Access = "elements" | "bits" | "quads";

const accessType: Readonly<Record<Access, (dtype: DeviceDType, writes: boolean) => string>> = {
  elements: storageType,
  bits: rawType,
  quads: quadType,
};

/** Binds what a lane touches: the whole buffer where it fits, else a window. */
export function bindLane(
  device: Device,
  name: string,
  extents: readonly number[],
  lane: Lane,
  writes: boolean,
  access: Access = "elements",
): Bound {
  const { buffer, dtype, offset } = lane;
  const bytes = bytesOf(dtype);
  const bytesTouched = elementsOf(extents, lane) * bytes;
  const shared = {
    name,
    type: accessType[access](dtype, writes),
    writes,
    buffer,
    bytesTouched,
  };
  if (buffer.size <= device.maxBindingBytes) {
    return { binding: { ...shared, byteOffset: 0, byteLength: buffer.size }, base: offset };
  }
  const byteOffset = Math.floor((offset * bytes) / device.bindingAlignment) * device.bindingAlignment;
  const base = offset - byteOffset / bytes;
  const byteLength = Math.min(Math.ceil(((base + spanOf(extents, lane)) * bytes) / 16) * 16, buffer.size - byteOffset);
  return { binding: { ...shared, byteOffset, byteLength }, base };
}

/** Binds `count` elements of a dense view, from element `from` on; throws where they are more than a binding holds. */
export function bindDense(
  device: Device,
  operation: string,
  name: string,
  view: View,
  writes: boolean,
  {
    access = "elements",
    from = 0,
    count,
  }: { readonly access?: Access; readonly from?: number; readonly count?: number } = {},
): Bound {
  const length = Math.max(1, count ?? view.shape.reduce((product, extent) => product * extent, 1));
  const lane = laneOf(device, operation, { ...view, offset: view.offset + from }, [1]);
  if (!fits(device, [length], lane)) {
    throw new UnsupportedError(
      operation,
      `expected ${name} of at most ${device.maxBindingBytes} bytes at a time, got ${length * bytesOf(lane.dtype)}`,
    );
  }
  return bindLane(device, name, [length], lane, writes, access);
}

/** The buffer `errors`, for kernels that call `report_`. */
export function errorBinding(device: Device): Binding {
  device.markErrors();
  const { errors } = device;
  return { name: "errors", type: "atomic<u32>", writes: true, buffer: errors, byteOffset: 0, byteLength: errors.size };
}

/** Parameters NAME_base and NAME_s0 … for a lane. */
export function laneParameters(name: string, base: number, strides: readonly number[]): Parameter[] {
  return [
    [`${name}_base`, "u32", base],
    ...strides.map((stride, axis): Parameter => [`${name}_s${axis}`, "u32", stride]),
  ];
}

/** Parameters e0 … for the loops. */
export function extentParameters(extents: readonly number[], prefix = "e"): Parameter[] {
  return extents.map((extent, axis): Parameter => [`${prefix}${axis}`, "u32", extent]);
}

/** WGSL that splits `index` into coordinates c0 … of the loops PREFIX0 …, the last fastest. Uses up a variable named `rest`. */
export function printCoordinates(rank: number, index: string, prefix = "e", into = "c"): string {
  if (rank === 1) return `let ${into}0 = ${index};`;
  const lines = [`var rest_${into} = ${index};`];
  for (let axis = rank - 1; axis > 0; axis--) {
    lines.push(
      `let ${into}${axis} = rest_${into} % p.${prefix}${axis}; rest_${into} = rest_${into} / p.${prefix}${axis};`,
    );
  }
  lines.push(`let ${into}0 = rest_${into};`);
  return lines.join("\n  ");
}

/** WGSL for the element of a lane at coordinates c0 …. */
export function printAddress(name: string, rank: number, into = "c"): string {
  const steps = Array.from({ length: rank }, (_, axis) => `${into}${axis} * p.${name}_s${axis}`);
  return [`p.${name}_base`, ...steps].join(" + ");
}

/** True where the sums behind a box were begun by an earlier one along `axes`. */
export function continues({ start }: Box, isSummed: (axis: number) => boolean): boolean {
  return start.some((at, axis) => at > 0 && isSummed(axis));
}

/**
 * Sums that a binding limit cuts in parts go through f32: a 16-bit output would round between the parts.
 * @param copy The primitive; `keep` also brings the old content of `out`.
 */
export function throughFloat32(
  { memory }: Device,
  copy: (out: View, x: View) => void,
  out: View,
  keep: boolean,
  body: (wide: View) => void,
): void {
  const buffer = memory.allocate(sizeOf(out.shape) * 4);
  const wide: View = { buffer, dtype: "f32", shape: out.shape, strides: denseStrides(out.shape), offset: 0 };
  if (keep) copy(wide, out);
  body(wide);
  copy(out, wide);
  memory.release(buffer);
}
