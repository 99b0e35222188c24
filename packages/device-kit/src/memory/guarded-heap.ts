/** A heap whose blocks lie between guard bytes, to find commands that write outside their buffers. For debugging: it costs memory and time. */
import { offsetAddress } from "./address.ts";
import type { AddressBlock } from "./address.ts";
import type { Heap, Reuse } from "./pool.ts";

/** On each side: MB_GUARD_BYTES of native/kit/command.h. */
const guardBytes = 256;

interface Guarded extends AddressBlock {
  readonly whole: AddressBlock;
}

/** What a command encoder can queue for it. */
export interface Guards {
  guard(block: AddressBlock): void;
  checkGuard(block: AddressBlock): void;
}

export class GuardedHeap implements Heap<AddressBlock> {
  readonly #heap: Heap<AddressBlock>;
  readonly #guards: () => Guards | undefined;
  readonly #live = new Set<AddressBlock>();

  /** @param guards Nothing while commands are recorded: replays would look when the memory is another block's. Blocks made then have no guards. */
  constructor(heap: Heap<AddressBlock>, guards: () => Guards | undefined) {
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
    const guards = this.#guards();
    guards?.guard(block);
    if (guards) this.#live.add(block);
    return block;
  }

  free(block: AddressBlock): void {
    if (this.#live.delete(block)) this.#guards()?.checkGuard(block);
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
    for (const block of this.#live) this.#guards()?.checkGuard(block);
  }
}
