/**
 * Buffers in size classes, kept for reuse after release. A released buffer may be handed out again at once: the queue runs commands
 * in order. Only uploads may overtake recorded commands, so the stream marks what the open recording touches (`lastRecording`).
 */
import { TensorError, bufferId } from "@modernbert-ts/tensor-core";
import type { BufferId, MemoryStats } from "@modernbert-ts/tensor-core";
import { usage } from "./usage.ts";

export interface DeviceBuffer {
  readonly gpu: GPUBuffer;
  readonly size: number;
  /** Tells physical buffers apart in the keys of cached bind groups. */
  readonly serial: number;
  /** Number of the last recording that uses it. */
  lastRecording: number;
}

export interface Memory {
  allocate(byteLength: number): BufferId;
  release(buffer: BufferId): void;
  find(operation: string, buffer: BufferId): DeviceBuffer;
  /** A buffer for the length of `body`, outside the statistics of live buffers once it returns. */
  withScratch<T>(byteLength: number, body: (scratch: DeviceBuffer) => T): T;
  stats(): MemoryStats;
  trim(maxCachedBytes: number): void;
  destroy(): void;
}

/** Rounds up to one of eight steps between powers of two: at most 12.5 % more than asked for, and few classes. */
export function sizeClass(byteLength: number): number {
  const step = Math.max(256, 2 ** (Math.ceil(Math.log2(Math.max(byteLength, 1))) - 3));
  return Math.max(1, Math.ceil(byteLength / step)) * step;
}

/** @param beforeDestroy Is called before buffers are destroyed: what is recorded may still use them. */
export function createMemory(
  device: GPUDevice,
  maxBufferBytes: number,
  maxCachedBytes: number,
  beforeDestroy: () => void,
): Memory {
  const live = new Map<BufferId, DeviceBuffer>();
  const cache = new Map<number, DeviceBuffer[]>();
  let nextId = 1;
  let nextSerial = 1;
  let activeBytes = 0;
  let peakBytes = 0;
  let cachedBytes = 0;
  let allocations = 0;

  function create(size: number): DeviceBuffer {
    allocations++;
    const gpu = device.createBuffer({ size, usage: usage.storage | usage.copySource | usage.copyTarget });
    return { gpu, size, serial: nextSerial++, lastRecording: -1 };
  }

  function take(byteLength: number): DeviceBuffer {
    if (byteLength > maxBufferBytes) {
      throw new TensorError("allocate", `expected at most ${maxBufferBytes} bytes, got ${byteLength}`);
    }
    const size = Math.min(sizeClass(byteLength), maxBufferBytes - (maxBufferBytes % 4));
    const reused = cache.get(size)?.pop();
    if (reused !== undefined) cachedBytes -= size;
    const buffer = reused ?? create(size);
    activeBytes += size;
    peakBytes = Math.max(peakBytes, activeBytes);
    return buffer;
  }

  function giveBack(buffer: DeviceBuffer): void {
    activeBytes -= buffer.size;
    if (cachedBytes + buffer.size > maxCachedBytes) trim(Math.max(0, maxCachedBytes - buffer.size));
    const buffers = cache.get(buffer.size);
    if (buffers === undefined) cache.set(buffer.size, [buffer]);
    else buffers.push(buffer);
    cachedBytes += buffer.size;
  }

  function find(operation: string, id: BufferId): DeviceBuffer {
    const buffer = live.get(id);
    if (buffer === undefined) throw new TensorError(operation, `expected a live buffer, got ${id}`);
    return buffer;
  }

  function trim(limit: number): void {
    if (cachedBytes > limit) beforeDestroy();
    for (const buffers of cache.values()) {
      while (cachedBytes > limit) {
        const buffer = buffers.pop();
        if (buffer === undefined) break;
        buffer.gpu.destroy();
        cachedBytes -= buffer.size;
      }
    }
  }

  return {
    allocate(byteLength) {
      const id = bufferId(nextId++);
      live.set(id, take(byteLength));
      return id;
    },
    release(id) {
      const buffer = find("release", id);
      live.delete(id);
      giveBack(buffer);
    },
    find,
    withScratch(byteLength, body) {
      const buffer = take(byteLength);
      try {
        return body(buffer);
      } finally {
        giveBack(buffer);
      }
    },
    stats: () => ({ activeBytes, peakBytes, cachedBytes, liveBuffers: live.size, allocations }),
    trim,
    destroy() {
      beforeDestroy();
      for (const buffer of live.values()) buffer.gpu.destroy();
      live.clear();
      activeBytes = 0;
      trim(0);
    },
  };
}
