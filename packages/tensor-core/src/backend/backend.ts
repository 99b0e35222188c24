/**
 * The Backend interface: all that a device has to provide.
 *
 * A backend knows bytes, views and kernels. Shapes, reference counts, autograd, randomness and scopes live above it.
 * Together with `primitives.ts` and `fused.ts` and the suite in `@modernbert-ts/conformance`, this file is enough to write one.
 */
import type { DType } from "../dtype.ts";
import type { Shape, Strides } from "../shape.ts";
import type { FusedImplementations } from "./fused.ts";
import type { PrimitiveAttrs, PrimitiveName } from "./primitives.ts";

declare const bufferBrand: unique symbol;
/** Names a buffer of one backend. A backend makes them with `bufferId`; 0 is never a buffer. */
export type BufferId = number & { readonly [bufferBrand]: true };

/** For backends: brands a number that they gave out. */
export function bufferId(id: number): BufferId {
  return id as BufferId;
}

/**
 * A strided window onto a buffer: element (i, j, …) lies at element `offset + i · strides[0] + j · strides[1] + …` of it.
 * @example { buffer, dtype: "f32", shape: [3, 2], strides: [1, 3], offset: 0 } // the transpose of a dense [2, 3]
 */
export interface View {
  readonly buffer: BufferId;
  readonly dtype: DType;
  /** Extents, outermost axis first; [] is a single element. */
  readonly shape: Shape;
  /** Elements, not bytes, from one index to the next along each axis. 0 repeats one element; never negative. */
  readonly strides: Strides;
  /** Elements, not bytes, before the first one. */
  readonly offset: number;
}

/** What a device can do. Constant over the life of a backend. */
export interface Capabilities {
  /** May be stored, copied and cast. */
  readonly storage: readonly DType[];
  /** May be read and written by every primitive. */
  readonly arithmetic: readonly DType[];
  /** Runs matmul at the device's full speed. */
  readonly accelerated: readonly DType[];
  /** Largest single buffer in bytes. */
  readonly maxBufferBytes: number;
  /** A replay costs the host one call, however many commands it holds: worth padding small batches for. */
  readonly cheapReplay?: true;
  /** True when the same commands give the same bits every time. */
  readonly deterministic: boolean;
  /** One line for people: device, instruction set, driver, threads. */
  readonly device: string;
}

/** All in bytes except where it says count. */
export interface MemoryStats {
  /** In buffers that are live, or that a replay holds; as allocated, so a little more than what was asked for. */
  readonly activeBytes: number;
  /** The largest `activeBytes` since the start. */
  readonly peakBytes: number;
  /** Held by the pool for reuse. */
  readonly cachedBytes: number;
  /** Count of buffers allocated and not released. */
  readonly liveBuffers: number;
  /** Count of requests that the pool could not serve, since the start. Flat in steady training. */
  readonly allocations: number;
}

/** A file as memory that buffers lie in. */
export interface FileMapping {
  /** A buffer that is these bytes of the file, released like any other. What is written to it stays in this process. @throws ShapeError outside the file. */
  buffer(byteOffset: number, byteLength: number): BufferId;
  /** No more buffers are made. The file is let go when the last of them is released. */
  close(): void;
}

/** A recorded stretch of commands that can be run again on the same buffers. */
export interface Replay {
  /** Queues the commands once more, in order with all others. Refused while commands are recorded. */
  run(): void;
  /** Gives the memory back that only the recording holds. Runs that are queued still happen; later ones are refused. */
  dispose(): void;
}

/**
 * Commands take effect in the order of the calls: `write`, `run`, fused kernels and `release` may all be deferred, `read` and
 * `synchronize` wait for everything before them. No call but these two is asynchronous, and no call needs a `flush` to be right.
 */
export interface Backend extends AsyncDisposable {
  /** As `createBackend` knows it: "cpu", "webgpu". */
  readonly name: string;
  readonly capabilities: Capabilities;
  /** A buffer of at least `byteLength` bytes (0 is legal), its content undefined. Pooled. @throws `[allocate] …` when there is no room. */
  allocate(byteLength: number): BufferId;
  /** Gives a buffer back; legal while queued commands still use it. */
  release(buffer: BufferId): void;
  /**
   * Copies all bytes of `data` to `byteOffset` (default 0) of the buffer. `data` may be changed as soon as the call returns.
   * @example backend.write(buffer, Float32Array.of(1, 2)); // the first 8 bytes
   */
  write(buffer: BufferId, data: ArrayBufferView, byteOffset?: number): void;
  /** Copies `byteLength` bytes out, after all commands so far. Rejects with `DeviceValueError`, once, when one of them met a bad value. */
  read(buffer: BufferId, byteOffset: number, byteLength: number): Promise<ArrayBuffer>;
  /**
   * Queues one primitive. Views are valid for it (see `primitives.ts`); outputs never overlap inputs unless it says so.
   * @example backend.run("matmul", [out], [a, b], { alpha: 1, accumulate: false }); // [M, N] = [M, K] · [K, N]
   */
  run<K extends PrimitiveName>(
    op: K,
    outputs: readonly View[],
    inputs: readonly View[],
    attrs: PrimitiveAttrs[K],
  ): void;
  /** Fused kernels for composites. What is missing runs from primitives. */
  readonly fused: Partial<FusedImplementations>;
  /** Hands queued commands to the device without waiting. */
  flush(): void;
  /** Resolves when everything queued is done; rejects like `read`. */
  synchronize(): Promise<void>;
  /** As of the calls so far, whether or not the device has caught up. */
  memory(): MemoryStats;
  /** Frees pooled buffers until at most `maxCachedBytes` (default 0) are cached. */
  trim(maxCachedBytes?: number): void;
  /**
   * The file of `byteLength` bytes behind an open descriptor, which stays the caller's, as memory: nothing is read before it is used, and
   * processes share what none of them writes to. Absent where a device cannot; undefined where the system maps no such file. While the
   * mapping lives, a change of the file is a `DeviceValueError` of `read` and `synchronize`; use of a part that was cut off ends the process.
   */
  mapFile?(descriptor: number, byteLength: number): FileMapping | undefined;
  /**
   * Runs `record` and keeps the commands that it queues instead of executing them; they first take effect at `Replay.run()`. Absent where
   * a device cannot. All buffers that the commands use stay allocated until `Replay.dispose()`, also those released in `record` or later:
   * none of them is handed out by `allocate` meanwhile, except, inside `record`, those that were released there. `read`, `synchronize`,
   * `trim` and `capture` inside are refused; when `record` throws, the error passes and nothing is kept.
   * @example const replay = backend.capture(() => backend.run("copy", [to], [from], {}));
   */
  capture?(record: () => void): Replay;
}
