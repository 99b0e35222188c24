/**
 * Buffers of the engines that run commands at once: memory in size classes, kept for reuse after release, counted honestly. Where the
 * memory comes from (array buffers, a WebAssembly memory) is the engine's business.
 */
import { TensorError, bufferId, bytesOf, hostView } from "@modernbert-ts/tensor-core";
import type { BufferId, DType, HostArray, MemoryStats } from "@modernbert-ts/tensor-core";

interface Memory {
  readonly bytes: Uint8Array;
  /** The same bytes as elements of each dtype that was asked for. */
  readonly views: Map<DType, HostArray>;
}

export interface MemorySource {
  /** Throws when there is no room. The address is a multiple of 8. */
  allocate(size: number): Uint8Array;
  free(bytes: Uint8Array): void;
}

/** Array buffers, which the garbage collector frees. */
export const heapMemory: MemorySource = {
  allocate: (size) => new Uint8Array(size),
  free() {},
};

export interface MemoryOptions {
  readonly source: MemorySource;
  readonly maxBufferBytes: number;
  readonly maxCachedBytes: number;
  readonly poison: boolean;
}

export interface MemoryPool {
  allocate(byteLength: number): BufferId;
  release(buffer: BufferId): void;
  bytes(operation: string, buffer: BufferId): Uint8Array;
  elements(operation: string, buffer: BufferId, dtype: DType): HostArray;
  stats(): MemoryStats;
  trim(maxCachedBytes: number): void;
  clear(): void;
}

/** Rounds up to a power of two or one of the three steps between: at most 25 % more than asked for, and few classes. */
export function sizeClass(byteLength: number): number {
  const step = Math.max(64, 2 ** (Math.ceil(Math.log2(Math.max(byteLength, 1))) - 3));
  return Math.max(1, Math.ceil(byteLength / step)) * step;
}

export function createMemoryPool({ source, maxBufferBytes, maxCachedBytes, poison }: MemoryOptions): MemoryPool {
  const live = new Map<BufferId, Memory>();
  const cache = new Map<number, Memory[]>();
  let nextId = 1;
  let activeBytes = 0;
  let peakBytes = 0;
  let cachedBytes = 0;
  let allocations = 0;

  function create(size: number): Memory {
    allocations++;
    try {
      return { bytes: claim(size), views: new Map() };
    } catch (cause) {
      throw new TensorError("allocate", `expected room for ${size} bytes, got none; release tensors or use less`, {
        cause,
      });
    }
  }

  function claim(size: number): Uint8Array {
    try {
      return source.allocate(size);
    } catch {
      trim(0);
      return source.allocate(size);
    }
  }

  function find(operation: string, buffer: BufferId): Memory {
    const memory = live.get(buffer);
    if (memory === undefined) throw new TensorError(operation, `expected a live buffer, got ${buffer}`);
    return memory;
  }

  function trim(limit: number): void {
    for (const [size, memories] of cache) {
      while (cachedBytes > limit && memories.length > 0) {
        source.free(memories.pop()!.bytes);
        cachedBytes -= size;
      }
    }
  }

  return {
    allocate(byteLength) {
      if (byteLength > maxBufferBytes) {
        throw new TensorError("allocate", `expected at most ${maxBufferBytes} bytes, got ${byteLength}`);
      }
      const size = sizeClass(byteLength);
      const reused = cache.get(size)?.pop();
      if (reused !== undefined) cachedBytes -= size;
      const memory = reused ?? create(size);
      if (poison) memory.bytes.fill(0xff);
      const id = bufferId(nextId++);
      live.set(id, memory);
      activeBytes += size;
      peakBytes = Math.max(peakBytes, activeBytes);
      return id;
    },
    release(buffer) {
      const memory = find("release", buffer);
      const size = memory.bytes.byteLength;
      live.delete(buffer);
      activeBytes -= size;
      if (cachedBytes + size > maxCachedBytes) {
        source.free(memory.bytes);
        return;
      }
      const memories = cache.get(size);
      if (memories === undefined) cache.set(size, [memory]);
      else memories.push(memory);
      cachedBytes += size;
    },
    bytes: (operation, buffer) => find(operation, buffer).bytes,
    elements(operation, buffer, dtype) {
      const { bytes, views } = find(operation, buffer);
      let view = views.get(dtype);
      if (view === undefined) {
        view = hostView(dtype, bytes.buffer, bytes.byteOffset, bytes.byteLength / bytesOf(dtype));
        views.set(dtype, view);
      }
      return view;
    },
    stats: () => ({ activeBytes, peakBytes, cachedBytes, liveBuffers: live.size, allocations }),
    trim,
    clear() {
      live.clear();
      activeBytes = 0;
      trim(0);
    },
  };
}
