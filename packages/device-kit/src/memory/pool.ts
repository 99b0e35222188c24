/**
 * Device memory in size classes, kept for reuse. A block that is given back may be handed out again at once, although queued commands
 * still use it: whoever gets it next uses it by later commands of the same in-order queue. Host code therefore never touches a block
 * directly, unless it knows that the commands that use it are done, or took it by `claim`.
 */
import { OutOfMemoryError, TensorError } from "@modernbert-ts/tensor-core";
import type { MemoryStats } from "@modernbert-ts/tensor-core";
import { Capture, Captures } from "./captures.ts";
import { FreeList } from "./free-list.ts";
import type { Block } from "./free-list.ts";

/** Where a pool's memory comes from. */
export interface Heap<B extends Block> {
  /** undefined when the device has no room. */
  allocate(bytes: number): B | undefined;
  /** Frees after all commands so far. */
  free(block: B): void;
  /** Blocks until freed memory can be allocated; absent where it can at once. */
  settle?(): void;
  /** How much memory the device has, in words. */
  room?(): string | undefined;
  /** Of a heap that keeps what is freed and hands it out again at once: the pool then keeps nothing itself. */
  readonly reuse?: Reuse | undefined;
}

/** What a heap keeps. */
export interface Reuse {
  cachedBytes(): number;
  /** Count of requests that what is kept did not serve. */
  allocations(): number;
  /** Gives memory back until at most `maxBytes` are kept, or all that is left lies beside live blocks. */
  trim(maxBytes: number): void;
}

export interface PoolOptions {
  /** All sizes are multiples of this power of two. Default 64. */
  readonly granule?: number;
  /** Largest block in bytes, a multiple of `granule` or what the device says. Default: no limit. */
  readonly maxBlockBytes?: number;
  /** Most bytes that are kept for reuse. Default: no limit. */
  readonly maxCachedBytes?: number;
}

/** Rounds up to one of eight steps between powers of two, at least `granule`: for large requests at most 12.5 % is lost. */
export function sizeClass(byteLength: number, granule: number): number {
  const step = Math.max(granule, 2 ** (Math.ceil(Math.log2(Math.max(byteLength, 1))) - 4));
  return Math.max(granule, Math.ceil(byteLength / step) * step);
}

export class Pool<B extends Block> {
  readonly #heap: Heap<B>;
  readonly #granule: number;
  readonly #maxBlockBytes: number;
  readonly #maxCachedBytes: number;
  readonly #captures = new Captures<B>();
  /** All that was allocated and not freed, whoever has it. */
  readonly #owned = new Set<B>();
  /** Blocks of no heap that were given back while commands were recorded, which would record their end. */
  readonly #left: B[] = [];
  #free = new FreeList<B>();
  #active = 0;
  #peak = 0;
  #allocations = 0;

  constructor(heap: Heap<B>, { granule = 64, maxBlockBytes = Infinity, maxCachedBytes = Infinity }: PoolOptions = {}) {
    this.#heap = heap;
    this.#granule = granule;
    this.#maxBlockBytes = maxBlockBytes;
    this.#maxCachedBytes = maxCachedBytes;
  }

  /** A block of at least `byteLength` bytes, its content undefined. @throws TensorError when the device has no room. */
  take(byteLength: number): B {
    if (byteLength > this.#maxBlockBytes) {
      throw new TensorError("allocate", `expected at most ${this.#maxBlockBytes} bytes, got ${byteLength}`);
    }
    const bytes = this.#heap.reuse
      ? Math.max(1, Math.ceil(byteLength / this.#granule)) * this.#granule
      : Math.min(sizeClass(byteLength, this.#granule), this.#maxBlockBytes);
    const again = this.#captures.retake(bytes);
    if (again !== undefined) return again;
    const block = this.#free.take(bytes) ?? this.#create(bytes);
    this.#captures.take(block);
    this.#activate(block);
    return block;
  }

  /** Takes a block back, which queued commands may still use. */
  give(block: B): void {
    if (!this.#captures.keep(block)) this.#recycle(block);
  }

  /** A block for the length of `body`. */
  lend<T>(byteLength: number, body: (block: B) => T): T {
    const block = this.take(byteLength);
    try {
      return body(block);
    } finally {
      this.give(block);
    }
  }

  /** Says that commands use `block`, which a capture has to know. */
  touch(block: B): void {
    this.#captures.hold(block);
  }

  /** Memory that no command has used and the statistics do not count; `discard` frees it. */
  claim(bytes: number): B {
    let block = this.#heap.allocate(bytes);
    if (block === undefined && !this.#captures.recording) {
      this.trim();
      this.#heap.settle?.();
      block = this.#heap.allocate(bytes);
    }
    if (block === undefined) {
      const { activeBytes, cachedBytes } = this.stats();
      const room = this.#heap.room?.();
      throw new OutOfMemoryError(
        "allocate",
        `expected room for ${bytes} bytes, got none beside ${activeBytes} in use and ${cachedBytes} cached${room ? `; ${room}` : ""}: use smaller batches, or release tensors`,
      );
    }
    this.#owned.add(block);
    return block;
  }

  /** Frees a block that was claimed. */
  discard(block: B): void {
    this.#owned.delete(block);
    if (block.letGo) block.letGo();
    else this.#heap.free(block);
  }

  /** Takes in a block that comes from no heap (it has a `letGo`), as if it had been taken. */
  adopt(block: B): void {
    this.#owned.add(block);
    this.#activate(block);
  }

  /** Frees cached blocks, largest first, until at most `maxCachedBytes` are left. */
  trim(maxCachedBytes = 0): void {
    this.checkNotRecording("trim");
    for (const block of this.#free.shrink(maxCachedBytes)) this.discard(block);
    this.#heap.reuse?.trim(maxCachedBytes);
  }

  /**
   * Runs `record` and holds all blocks that its commands use until `release` is called: none of them is handed out to others
   * meanwhile. They count as active.
   */
  capture<R>(record: () => R): { readonly recording: R; readonly release: () => void } {
    const capture = new Capture<B>();
    const release = (): void => {
      for (const block of this.#captures.drop(capture)) if (this.#owned.has(block)) this.#recycle(block);
    };
    try {
      return { recording: this.#captures.record(capture, record), release };
    } catch (error) {
      release();
      throw error;
    } finally {
      for (const block of this.#left.splice(0)) this.discard(block);
      this.#keepLimit();
    }
  }

  /** For what would wait for commands that do not run. @throws TensorError while a capture records. */
  checkNotRecording(operation: string): void {
    this.#captures.check(operation);
  }

  /** `activeBytes` are those of blocks that were taken, or that captures hold. */
  stats(): Omit<MemoryStats, "liveBuffers"> {
    return {
      activeBytes: this.#active,
      peakBytes: this.#peak,
      cachedBytes: this.#free.bytes + (this.#heap.reuse?.cachedBytes() ?? 0),
      allocations: this.#heap.reuse?.allocations() ?? this.#allocations,
    };
  }

  /** Frees everything, taken blocks too. */
  destroy(): void {
    this.#free = new FreeList();
    for (const block of this.#owned) this.discard(block);
    this.#heap.reuse?.trim(0);
    this.#active = 0;
  }

  #create(bytes: number): B {
    this.#allocations++;
    return this.claim(bytes);
  }

  #activate(block: B): void {
    this.#active += block.bytes;
    this.#peak = Math.max(this.#peak, this.#active);
  }

  #recycle(block: B): void {
    this.#active -= block.bytes;
    if (block.letGo && this.#captures.recording) return void this.#left.push(block);
    if (this.#heap.reuse || block.letGo) return this.discard(block);
    this.#free.put(block);
    this.#keepLimit();
  }

  /** Nothing is freed while commands are recorded. */
  #keepLimit(): void {
    if (!this.#captures.recording && this.#free.bytes > this.#maxCachedBytes) this.trim(this.#maxCachedBytes);
  }
}
