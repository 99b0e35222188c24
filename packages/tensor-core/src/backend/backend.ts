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

export function bufferId(id: number): BufferId {
  return id as BufferId;
}

/** A strided window onto a buffer. `offset` and `strides` count elements, not bytes; a stride of 0 repeats one element. */
export interface View {
  readonly buffer: BufferId;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly strides: Strides;
  readonly offset: number;
}

export interface Capabilities {
  /** May be stored, copied and cast. */
  readonly storage: readonly DType[];
  /** May be read and written by every primitive. */
  readonly arithmetic: readonly DType[];
  /** Runs matmul at the device's full speed. */
  readonly accelerated: readonly DType[];
  /** Largest single buffer in bytes. */
  readonly maxBufferBytes: number;
  /** True when the same commands give the same bits every time. */
  readonly deterministic: boolean;
  /** One line for people: device, instruction set, driver, threads. */
  readonly device: string;
}

/** All in bytes except where it says count. */
export interface MemoryStats {
  readonly activeBytes: number;
  readonly peakBytes: number;
  /** Held by the pool for reuse. */
  readonly cachedBytes: number;
  /** Count of buffers allocated and not released. */
  readonly liveBuffers: number;
  /** Count of requests that the pool could not serve, since the start. Flat in steady training. */
  readonly allocations: number;
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
  readonly name: string;
  readonly capabilities: Capabilities;
  /** A buffer of at least `byteLength` bytes, its content undefined. Pooled. Throws when the device has no room. */
  allocate(byteLength: number): BufferId;
  /** Gives a buffer back; legal while queued commands still use it. */
  release(buffer: BufferId): void;
  /** Copies host bytes in. `data` may be changed as soon as the call returns. */
  write(buffer: BufferId, data: ArrayBufferView, byteOffset?: number): void;
  /** Copies bytes out, after all commands so far. Rejects with `DeviceValueError` when one of them met a bad value. */
  read(buffer: BufferId, byteOffset: number, byteLength: number): Promise<ArrayBuffer>;
  /** Queues one primitive. Views are valid for it (see `primitives.ts`); outputs never overlap inputs unless it says so. */
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
  memory(): MemoryStats;
  /** Frees pooled buffers until at most `maxCachedBytes` (default 0) are cached. */
  trim(maxCachedBytes?: number): void;
  /**
   * Runs `record` and keeps the commands that it queues instead of executing them; they first take effect at `Replay.run()`. Absent where
   * a device cannot. All buffers that the commands use stay allocated until `Replay.dispose()`, also those released in `record` or later:
   * none of them is handed out by `allocate` meanwhile, except, inside `record`, those that were released there. `read`, `synchronize`,
   * `trim` and `capture` inside are refused; when `record` throws, the error passes and nothing is kept.
   * @example const replay = backend.capture(() => backend.run("copy", [to], [from], {}));
   */
  capture?(record: () => void): Replay;
}
