/**
 * A heap over few large allocations of a device: ranges of slabs, cut off where they fit best and joined again with their free neighbours.
 * A range that comes back may be handed out again at once, to commands that come later.
 *
 * A new slab has room for what is asked, and for an eighth of what all others hold: little lies idle, and few slabs are made.
 */
import { offsetAddress } from "./address.ts";
import type { Address, AddressBlock } from "./address.ts";
import type { Heap, Reuse } from "./pool.ts";

/** Ranges begin at multiples of this, and have multiples of it. */
export const rangeGranule: number = 256;
/** Slabs are multiples of this, as devices give no less. */
const slabGranule = 2 << 20;

interface Slab {
  readonly memory: AddressBlock;
}

/** A part of a slab, between its neighbours there. */
interface Range extends AddressBlock {
  readonly address: Address;
  bytes: number;
  readonly slab: Slab;
  free: boolean;
  before: Range | undefined;
  after: Range | undefined;
}

function roundUp(bytes: number, multiple: number): number {
  return Math.ceil(bytes / multiple) * multiple;
}

export class Slabs implements Heap<AddressBlock> {
  readonly reuse: Reuse;
  readonly #device: Heap<AddressBlock>;
  /** By size, then by address. */
  readonly #free: Range[] = [];
  #bytes = 0;
  #freeBytes = 0;
  #allocations = 0;

  constructor(device: Heap<AddressBlock>) {
    this.#device = device;
    this.reuse = {
      cachedBytes: () => this.#freeBytes,
      allocations: () => this.#allocations,
      trim: (maxBytes) => this.#trim(maxBytes),
    };
  }

  allocate(bytes: number): AddressBlock | undefined {
    const size = Math.max(rangeGranule, roundUp(bytes, rangeGranule));
    const range = this.#bestFit(size) ?? this.#grow(size);
    if (range === undefined) return undefined;
    this.#take(range);
    if (range.bytes > size) {
      const rest = this.#range(range.slab, offsetAddress(range.address, size), range.bytes - size, range, range.after);
      range.bytes = size;
      this.#put(rest);
    }
    return range;
  }

  free(block: AddressBlock): void {
    const range = block as Range;
    const { before, after } = range;
    if (after?.free) this.#absorb(range, after);
    if (before?.free) this.#absorb(before, range);
    else this.#put(range);
  }

  settle(): void {
    this.#device.settle?.();
  }

  room(): string | undefined {
    return this.#device.room?.();
  }

  /** `left` grows over its neighbour; one of the two is free. */
  #absorb(left: Range, right: Range): void {
    const wasFree = left.free;
    if (wasFree) this.#take(left);
    if (right.free) this.#take(right);
    left.bytes += right.bytes;
    left.after = right.after;
    if (right.after) right.after.before = left;
    if (wasFree) this.#put(left);
  }

  /** The device's word on a new slab. */
  #grow(size: number): Range | undefined {
    this.#allocations++;
    const wished = roundUp(Math.max(size, this.#bytes / 8), slabGranule);
    const memory = this.#device.allocate(wished) ?? this.#device.allocate(roundUp(size, slabGranule));
    if (memory === undefined) return undefined;
    this.#bytes += memory.bytes;
    const range = this.#range({ memory }, memory.address, memory.bytes, undefined, undefined);
    this.#put(range);
    return range;
  }

  /** Frees slabs that are empty, the largest first. */
  #trim(maxBytes: number): void {
    for (const range of this.#free.toReversed()) {
      if (this.#freeBytes <= maxBytes) return;
      if (range.before || range.after) continue;
      this.#take(range);
      this.#bytes -= range.bytes;
      this.#device.free(range.slab.memory);
    }
  }

  #range(slab: Slab, address: Address, bytes: number, before: Range | undefined, after: Range | undefined): Range {
    const range: Range = { slab, address, bytes, free: false, before, after };
    if (before) before.after = range;
    if (after) after.before = range;
    return range;
  }

  #put(range: Range): void {
    range.free = true;
    this.#freeBytes += range.bytes;
    this.#free.splice(this.#position(range.bytes, range.address), 0, range);
  }

  #take(range: Range): void {
    range.free = false;
    this.#freeBytes -= range.bytes;
    this.#free.splice(this.#position(range.bytes, range.address), 1);
  }

  /** The smallest that is large enough, and of those the first in memory. */
  #bestFit(bytes: number): Range | undefined {
    return this.#free[this.#position(bytes, 0)];
  }

  /** Of the first free range that is not before this one. */
  #position(bytes: number, address: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const range = this.#free[middle]!;
      if (range.bytes < bytes || (range.bytes === bytes && range.address < address)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
