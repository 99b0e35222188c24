/** Free blocks of device memory, found by size. */

/** A piece of device memory; a backend adds where it lies. */
export interface Block {
  readonly bytes: number;
  /** Of memory that comes from no heap: gives it back, after all commands so far. Nobody is handed it again. */
  readonly letGo?: () => void;
}

/** A request takes a free block of up to this much more than its class rather than new memory. */
const slack = 1.5;

/** Free blocks by size; of blocks of one size, the last that came is the first to go. */
export class FreeList<B extends Block> {
  readonly #bySize = new Map<number, B[]>();
  /** Sizes ascending. */
  readonly #sizes: number[] = [];
  #bytes = 0;

  /** Sum over all blocks. */
  get bytes(): number {
    return this.#bytes;
  }

  put(block: B): void {
    let blocks = this.#bySize.get(block.bytes);
    if (!blocks) {
      this.#bySize.set(block.bytes, (blocks = []));
      this.#sizes.splice(this.#position(block.bytes), 0, block.bytes);
    }
    blocks.push(block);
    this.#bytes += block.bytes;
  }

  /** The smallest block of at least `bytes` that is not much larger. */
  take(bytes: number): B | undefined {
    for (let at = this.#position(bytes); at < this.#sizes.length && this.#sizes[at]! <= bytes * slack; at++) {
      const block = this.#bySize.get(this.#sizes[at]!)!.pop();
      if (!block) continue;
      this.#bytes -= block.bytes;
      return block;
    }
    return undefined;
  }

  /** Removes blocks, largest first, until at most `maxBytes` are left. */
  *shrink(maxBytes: number): Generator<B> {
    for (let at = this.#sizes.length - 1; at >= 0; at--) {
      const blocks = this.#bySize.get(this.#sizes[at]!)!;
      while (this.#bytes > maxBytes && blocks.length > 0) {
        const block = blocks.pop()!;
        this.#bytes -= block.bytes;
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
