/**
 * Staging for large writes: the host copies data into a staging block at once, a queued command copies it into place. Writes share
 * blocks one after another; a block is filled anew when all its commands are done. The number of blocks is bounded: beyond it, writing waits.
 */
import type { Pool } from "../memory/pool.ts";
import { offsetAddress } from "../memory/address.ts";
import type { Address, AddressBlock } from "../memory/address.ts";
import type { CommandStream } from "./stream.ts";

/** Size of a block, and the most that one `take` gives. */
export const stagingBytes: number = 4 << 20;
const maxBlocks = 64;

interface StagingBlock {
  readonly memory: AddressBlock;
  used: number;
  /** The count after the last command that copies from it. */
  freeAt: number;
}

export class Staging {
  readonly #pool: Pool<AddressBlock>;
  readonly #stream: CommandStream;
  /** In order of use; the last is being filled. */
  #blocks: StagingBlock[] = [];

  /** @param pool Of memory that the host can fill and commands can read. */
  constructor(pool: Pool<AddressBlock>, stream: CommandStream) {
    this.#pool = pool;
    this.#stream = stream;
  }

  /** What all blocks hold. */
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
    const address = offsetAddress(block.memory.address, block.used);
    block.used += Math.ceil(bytes / 64) * 64;
    block.freeAt = freeAt;
    return address;
  }

  /** Frees all blocks, after the commands that use them. */
  drain(): void {
    for (const { memory } of this.#blocks) this.#pool.discard(memory);
    this.#blocks = [];
  }

  #emptyBlock(): StagingBlock {
    const oldest = this.#blocks[0];
    if (oldest && this.#blocks.length === maxBlocks) this.#stream.waitBlocking(oldest.freeAt);
    if (!oldest || oldest.freeAt > this.#stream.completed()) {
      return { memory: this.#pool.claim(stagingBytes), used: 0, freeAt: 0 };
    }
    this.#blocks.shift();
    return { memory: oldest.memory, used: 0, freeAt: 0 };
  }
}
