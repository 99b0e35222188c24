/**
 * Staging for large writes: the host copies data into a staging block at once, a queued command copies it into place. Writes share
 * blocks one after another; a block is filled anew when all its commands are done. The number of blocks is bounded: beyond it, writing waits.
 */
import { offsetAddress } from "./library.ts";
import type { Address } from "./library.ts";

/** Size of a block, and the most that one `take` gives. */
export const stagingBytes: number = 4 << 20;
const maxBlocks = 64;

export interface StagingSource {
  allocate(bytes: number): Address;
  /** How many commands are done. */
  completed(): number;
  waitBlocking(count: number): void;
}

interface StagingBlock {
  readonly address: Address;
  used: number;
  /** The count after the last command that copies from it. */
  freeAt: number;
}

export class Staging {
  readonly #source: StagingSource;
  /** In order of use; the last is being filled. */
  #blocks: StagingBlock[] = [];

  constructor(source: StagingSource) {
    this.#source = source;
  }

  get bytes(): number {
    return this.#blocks.length * stagingBytes;
  }

  /** Room for `bytes` that the host may fill now; `freeAt` is the count after the command that will copy from it. */
  take(bytes: number, freeAt: number): Address {
    let block = this.#blocks.at(-1);
    if (!block || block.used + bytes > stagingBytes) {
      block = this.#emptyBlock();
      this.#blocks.push(block);
    }
    const address = offsetAddress(block.address, block.used);
    block.used += Math.ceil(bytes / 64) * 64;
    block.freeAt = freeAt;
    return address;
  }

  /** Gives all blocks to `free`, which must be in order with the commands that use them. */
  drain(free: (address: Address) => void): void {
    for (const { address } of this.#blocks) free(address);
    this.#blocks = [];
  }

  #emptyBlock(): StagingBlock {
    const oldest = this.#blocks[0];
    if (oldest && this.#blocks.length === maxBlocks) this.#source.waitBlocking(oldest.freeAt);
    if (!oldest || oldest.freeAt > this.#source.completed()) {
      return { address: this.#source.allocate(stagingBytes), used: 0, freeAt: 0 };
    }
    this.#blocks.shift();
    return { address: oldest.address, used: 0, freeAt: 0 };
  }
}
