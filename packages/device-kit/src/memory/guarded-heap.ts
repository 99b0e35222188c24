/** A heap whose blocks lie between guard bytes, to find commands that write outside their buffers. For debugging: it costs memory and time. */
import { offsetAddress } from "../commands/address.ts";
import type { AddressBlock } from "../commands/address.ts";
import type { Heap, Reuse } from "./pool.ts";

/** On each side: MB_GUARD_BYTES of native/kit/command.h. */
const guardBytes = 256;

interface Guarded extends AddressBlock {
  readonly whole: AddressBlock;
}

/** Queues the commands that fill the guards of a block, and that look at them. */
export interface Guards {
  fill(block: AddressBlock): void;
  check(block: AddressBlock): unknown;
}

export class GuardedHeap implements Heap<AddressBlock> {
  readonly #heap: Heap<AddressBlock>;
  readonly #guards: Guards;
  readonly #live = new Set<AddressBlock>();

  constructor(heap: Heap<AddressBlock>, guards: Guards) {
    this.#heap = heap;
    this.#guards = guards;
  }

  get reuse(): Reuse | undefined {
    return this.#heap.reuse;
  }

  allocate(bytes: number): AddressBlock | undefined {
    const whole = this.#heap.allocate(bytes + 2 * guardBytes);
    if (whole === undefined) return undefined;
    const block: Guarded = {
      whole,
      address: offsetAddress(whole.address, guardBytes),
      bytes: whole.bytes - 2 * guardBytes,
    };
    this.#live.add(block);
    this.#guards.fill(block);
    return block;
  }

  free(block: AddressBlock): void {
    this.#live.delete(block);
    this.#guards.check(block);
    this.#heap.free((block as Guarded).whole);
  }

  settle(): void {
    this.#heap.settle?.();
  }

  room(): string | undefined {
    return this.#heap.room?.();
  }

  /** Looks at the guards of all blocks. */
  check(): void {
    for (const block of this.#live) this.#guards.check(block);
  }
}
