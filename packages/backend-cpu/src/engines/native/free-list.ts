/** The free blocks of the memory pool, found by size. */
import type { Address } from "./library.ts";

/** A piece of C memory of a class size. */
export interface Block {
  readonly address: Address;
  readonly bytes: number;
}

/** A request takes a cached block of up to this much more than its class rather than new memory. */
const slack = 1.5;

/** Free blocks by size. */
export class FreeList {
  readonly #bySize = new Map<number, Block[]>();
  /** Sizes ascending. */
  readonly #sizes: number[] = [];
  /** Sum over all blocks. */
  bytes = 0;

  put(block: Block): void {
    let blocks = this.#bySize.get(block.bytes);
    if (!blocks) {
      this.#bySize.set(block.bytes, (blocks = []));
      this.#sizes.splice(this.#position(block.bytes), 0, block.bytes);
    }
    blocks.push(block);
    this.bytes += block.bytes;
  }

  take(bytes: number): Block | undefined {
    for (let at = this.#position(bytes); at < this.#sizes.length && this.#sizes[at]! <= bytes * slack; at++) {
      const block = this.#bySize.get(this.#sizes[at]!)!.pop();
      if (!block) continue;
      this.bytes -= block.bytes;
      return block;
    }
    return undefined;
  }

  /** Removes blocks, largest first, until at most `maxBytes` are left. */
  *shrink(maxBytes: number): Generator<Block> {
    for (let at = this.#sizes.length - 1; at >= 0; at--) {
      const blocks = this.#bySize.get(this.#sizes[at]!)!;
      while (this.bytes > maxBytes && blocks.length > 0) {
        const block = blocks.pop()!;
        this.bytes -= block.bytes;
        yield block;
      }
    }
  }

  #position(bytes: number): number {
    let low = 0;
    let high = this.#sizes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sizes[middle]! < bytes) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
