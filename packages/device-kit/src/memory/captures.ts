/**
 * The blocks that captures hold. A replay runs its commands on the same memory each time, so a block that a recording used stays out
 * of the pool while that capture lives, whoever gives it back. A recording may only take again what it took itself: such a block has
 * no content of before that a replay would need.
 */
import { TensorError } from "@modernbert-ts/tensor-core";
import { FreeList } from "./free-list.ts";
import type { Block } from "./free-list.ts";

export class Capture<B extends Block> {
  readonly held: Set<B> = new Set();
  readonly taken: Set<B> = new Set();
  /** Of `taken`, those that were given back. */
  readonly spare: FreeList<B> = new FreeList();
}

export class Captures<B extends Block> {
  /** How many captures hold a block. */
  readonly #holds = new Map<B, number>();
  /** Held blocks that were given back. */
  readonly #returned = new Set<B>();
  #open: Capture<B> | undefined;

  get recording(): boolean {
    return this.#open !== undefined;
  }

  /** For what would wait for commands. @throws TensorError while they are recorded: they do not run. */
  check(operation: string): void {
    if (this.#open === undefined) return;
    throw new TensorError(
      "capture",
      `expected no ${operation} while commands are recorded: do it before or after the capture`,
    );
  }

  /** Runs `body`, whose blocks `capture` holds until `drop`. */
  record<R>(capture: Capture<B>, body: () => R): R {
    this.check("other capture");
    this.#open = capture;
    try {
      return body();
    } finally {
      this.#open = undefined;
    }
  }

  /** Ends a capture; gives the blocks that were given back and that no other holds. */
  drop({ held }: Capture<B>): B[] {
    const unheld = [...held].filter((block) => this.#unhold(block));
    held.clear();
    return unheld;
  }

  /** The open capture, if any, uses `block`. */
  hold(block: B): void {
    if (this.#open === undefined || this.#open.held.has(block)) return;
    this.#open.held.add(block);
    this.#holds.set(block, (this.#holds.get(block) ?? 0) + 1);
  }

  /** The open capture, if any, takes `block`, which nobody used. */
  take(block: B): void {
    this.hold(block);
    this.#open?.taken.add(block);
  }

  /** A block of at least `bytes` that the open capture took and gave back. */
  retake(bytes: number): B | undefined {
    const block = this.#open?.spare.take(bytes);
    if (block !== undefined) this.#returned.delete(block);
    return block;
  }

  /** Keeps `block` if a capture holds it; false where it may be recycled now. */
  keep(block: B): boolean {
    if (!this.#holds.has(block)) return false;
    this.#returned.add(block);
    if (this.#open?.taken.has(block)) this.#open.spare.put(block);
    return true;
  }

  #unhold(block: B): boolean {
    const holds = this.#holds.get(block)! - 1;
    if (holds > 0) {
      this.#holds.set(block, holds);
      return false;
    }
    this.#holds.delete(block);
    return this.#returned.delete(block);
  }
}
