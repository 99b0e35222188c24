/**
 * Buffers of the native engine: a pool of C memory in size classes.
 *
 * A released block goes back to the pool at once, although queued commands may still use it: whoever gets it next uses it by later
 * commands of the same in-order stream. Host code therefore never touches a block directly, except a staging block whose last command
 * is known to be done (staging.ts) or one that was read into and awaited.
 */
import { bufferId, OutOfMemoryError, UseAfterDisposeError } from "@modernbert-ts/tensor-core";
import type { BufferId, MemoryStats } from "@modernbert-ts/tensor-core";
import { FreeList } from "./free-list.ts";
import type { Block } from "./free-list.ts";
import type { Address } from "./library.ts";

/** What the pool needs from the outside. */
export interface MemorySource {
  /** undefined when the system has no room. */
  allocate(bytes: number): Address | undefined;
  /** Frees now. */
  free(address: Address): void;
  /** Frees after all commands so far. */
  freeLater(address: Address): void;
  /** Blocks until queued frees have happened. */
  settle(): void;
}

/** Rounds up to 64 bytes, above 512 bytes to an eighth of the power of two: at most 12.5 % is lost. */
function classBytes(bytes: number): number {
  const step = Math.max(64, 2 ** (Math.ceil(Math.log2(Math.max(bytes, 1))) - 4));
  return Math.max(64, Math.ceil(bytes / step) * step);
}

export class Memory {
  readonly #source: MemorySource;
  readonly #live = new Map<BufferId, Block>();
  /** All memory that was allocated and not freed, whoever holds it. */
  readonly #owned = new Set<Address>();
  #free = new FreeList();
  #mainFree: FreeList | undefined;
  #nextId = 1;
  #active = 0;
  #peak = 0;
  #allocations = 0;

  constructor(source: MemorySource) {
    this.#source = source;
  }

  allocate(byteLength: number): BufferId {
    const id = bufferId(this.#nextId++);
    const block = this.take(byteLength);
    this.#live.set(id, block);
    this.#active += block.bytes;
    this.#peak = Math.max(this.#peak, this.#active);
    return id;
  }

  release(buffer: BufferId): void {
    const block = this.block(buffer);
    this.#live.delete(buffer);
    this.#active -= block.bytes;
    this.give(block);
  }

  /** The memory of a live buffer. */
  block(buffer: BufferId): Block {
    const block = this.#live.get(buffer);
    if (!block)
      throw new UseAfterDisposeError("cpu", `expected a live buffer, got buffer ${buffer}, which was released`);
    return block;
  }

  /** A block that is not a buffer. */
  take(byteLength: number): Block {
    const bytes = classBytes(byteLength);
    const cached = this.#free.take(bytes);
    if (cached) return cached;
    this.#allocations++;
    return { address: this.claim(bytes), bytes };
  }

  /** Memory from the system that the pool does not know; `free` or `destroy` gives it back. */
  claim(bytes: number): Address {
    let address = this.#source.allocate(bytes);
    if (address === undefined && this.#mainFree === undefined) {
      this.trim(0);
      this.#source.settle();
      address = this.#source.allocate(bytes);
    }
    if (address === undefined) {
      throw new OutOfMemoryError(
        "allocate",
        `expected room for ${bytes} bytes, the system has none beside ${this.#active} bytes in ${this.#live.size} live buffers and ${this.#free.bytes} cached: use smaller batches, or release tensors`,
      );
    }
    this.#owned.add(address);
    return address;
  }

  give(block: Block): void {
    this.#free.put(block);
  }

  /** Frees a block's memory after the commands so far. */
  free(address: Address): void {
    this.#owned.delete(address);
    this.#source.freeLater(address);
  }

  trim(maxCachedBytes: number): void {
    for (const block of this.#free.shrink(maxCachedBytes)) this.free(block.address);
  }

  /** From here on released blocks are kept apart: a replay will use them again. */
  startCapture(): void {
    this.#mainFree = this.#free;
    this.#free = new FreeList();
  }

  /** Returns what was kept apart; give it back by `give` when the replay is disposed. */
  endCapture(): Block[] {
    const kept = [...this.#free.shrink(0)];
    this.#free = this.#mainFree!;
    this.#mainFree = undefined;
    return kept;
  }

  stats(extraCachedBytes: number): MemoryStats {
    return {
      activeBytes: this.#active,
      peakBytes: this.#peak,
      cachedBytes: this.#free.bytes + extraCachedBytes,
      liveBuffers: this.#live.size,
      allocations: this.#allocations,
    };
  }

  /** Frees everything, live buffers too; no command may be queued any more. */
  destroy(): void {
    for (const address of this.#owned) this.#source.free(address);
    this.#owned.clear();
    this.#live.clear();
    this.#free = new FreeList();
    this.#active = 0;
  }
}
