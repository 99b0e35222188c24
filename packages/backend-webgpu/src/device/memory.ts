/**
 * Buffers on the device. The queue runs commands in order; only uploads may overtake recorded ones, so the stream marks what the open
 * recording touches (`lastRecording`).
 */
import { Buffers, Pool } from "@modernbert-ts/device-kit";
import type { Block } from "@modernbert-ts/device-kit";
import { usage } from "./usage.ts";

export interface DeviceBuffer extends Block {
  readonly gpu: GPUBuffer;
  /** Tells physical buffers apart in the keys of cached bind groups. */
  readonly serial: number;
  /** Number of the last recording that uses it. */
  lastRecording: number;
}

export type Memory = Buffers<DeviceBuffer>;

/** @param beforeDestroy Is called before a buffer is destroyed: what is recorded may still use it. */
export function createMemory(
  device: GPUDevice,
  maxBlockBytes: number,
  maxCachedBytes: number,
  beforeDestroy: () => void,
): Memory {
  let nextSerial = 1;
  const heap = {
    allocate(bytes: number): DeviceBuffer {
      const gpu = device.createBuffer({ size: bytes, usage: usage.storage | usage.copySource | usage.copyTarget });
      return { gpu, bytes, serial: nextSerial++, lastRecording: -1 };
    },
    free({ gpu }: DeviceBuffer): void {
      beforeDestroy();
      gpu.destroy();
    },
  };
  return new Buffers(new Pool(heap, { granule: 256, maxBlockBytes, maxCachedBytes }));
}
