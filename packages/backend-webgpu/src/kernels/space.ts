/**
 * Iteration spaces: the loops of a primitive as extents, and each operand as a lane with one stride per loop (0 where it does not
 * move). Here loops are merged, and split until every lane fits a binding.
 */
import type { View } from "@modernbert-ts/tensor-core";
import { bytesOf } from "@modernbert-ts/tensor-core";
import type { DeviceBuffer } from "../device/memory.ts";
import { deviceDType } from "../wgsl/access.ts";
import type { DeviceDType } from "../wgsl/access.ts";
import type { Device } from "./device.ts";

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

export function laneOf({ memory }: Device, operation: string, view: View, strides: readonly number[]): Lane {
  const { offset } = view;
  return { buffer: memory.find(operation, view.buffer), dtype: deviceDType(operation, view.dtype), offset, strides };
}

/** Elements from the first to the last that the lane touches, both included. */
export function spanOf(extents: readonly number[], { strides }: Lane): number {
  if (extents.includes(0)) return 1;
  return 1 + extents.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis]!, 0);
}

/** How many elements the lane visits, repeated ones once. */
export function elementsOf(extents: readonly number[], { strides }: Lane): number {
  return extents.reduce((count, extent, axis) => (strides[axis] === 0 ? count : count * extent), 1);
}

export function fits(device: Device, extents: readonly number[], lane: Lane): boolean {
  const { maxBindingBytes, bindingAlignment } = device;
  if (lane.buffer.bytes <= maxBindingBytes) return true;
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

/** True where the sums behind a box were begun by an earlier one along `axes`. */
export function continues({ start }: Box, isSummed: (axis: number) => boolean): boolean {
  return start.some((at, axis) => at > 0 && isSummed(axis));
}
