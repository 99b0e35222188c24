/** Operands as bindings: the whole buffer where it fits one, else a window. */
import type { View } from "@modernbert-ts/tensor-core";
import { UnsupportedError, bytesOf } from "@modernbert-ts/tensor-core";
import type { Binding } from "../device/dispatch.ts";
import { quadType, rawType, storageType } from "../wgsl/access.ts";
import type { DeviceDType, QuadAccess } from "../wgsl/access.ts";
import type { Device } from "./device.ts";
import { elementsOf, fits, laneOf, spanOf } from "./space.ts";
import type { Lane } from "./space.ts";

/** A lane as a binding and the place of its first element in the window. */
export interface Bound {
  readonly binding: Binding;
  readonly base: number;
}

/** How a shader sees a binding: element by element, as bits, or in groups of four. */
export type Access = "elements" | "bits" | QuadAccess;

function accessType(access: Access, dtype: DeviceDType, writes: boolean): string {
  if (access === "elements") return storageType(dtype, writes);
  return access === "bits" ? rawType(dtype, writes) : quadType(dtype, access, writes);
}

/** Groups of four as kernels read them that need no exact f16. */
export function quadsOf({ features }: Device): "quads" | "f16 quads" {
  return features.f16Arithmetic ? "f16 quads" : "quads";
}

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
    type: accessType(access, dtype, writes),
    writes,
    buffer,
    bytesTouched,
  };
  if (buffer.bytes <= device.maxBindingBytes) {
    return { binding: { ...shared, byteOffset: 0, byteLength: buffer.bytes }, base: offset };
  }
  const byteOffset = Math.floor((offset * bytes) / device.bindingAlignment) * device.bindingAlignment;
  const base = offset - byteOffset / bytes;
  const byteLength = Math.min(Math.ceil(((base + spanOf(extents, lane)) * bytes) / 16) * 16, buffer.bytes - byteOffset);
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
  return { name: "errors", type: "atomic<u32>", writes: true, buffer: errors, byteOffset: 0, byteLength: errors.bytes };
}
