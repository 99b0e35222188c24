/**
 * Whose turn it is. Requests share the model by tokens (start-time fair queueing): what a request has in front of it is as much of each
 * other request as it has itself, so a single passes a bulk, and bulks take turns. So that nobody waits for ever behind singles that keep
 * coming, every fourth batch begins with what has been here longest: nothing is answered more than four times as late as in order of
 * arrival.
 */
import { takeBatch } from "./take-batch.ts";
import type { BatchLimits, Packable } from "./take-batch.ts";

interface Entry<T> extends Packable {
  readonly item: T;
  /** The tokens of its request in front of it, counted from the turn that ran when the request came. */
  readonly turn: number;
  /** Place in order of arrival. */
  readonly order: number;
}

const batchesToTheOldest = 4;

export class FairQueue<T extends Packable> {
  /** By turn, then by arrival. */
  #entries: Entry<T>[] = [];
  /** The latest batch, which may come back. */
  #taken: ReadonlyMap<T, Entry<T>> = new Map();
  #turn = 0;
  #arrived = 0;
  #batches = 0;

  /** Items that wait. */
  get size(): number {
    return this.#entries.length;
  }

  /** Tokens that wait. */
  get tokens(): number {
    return this.#entries.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** The items of one request, in their order. */
  add(request: readonly T[]): void {
    let turn = this.#turn;
    for (const item of request) {
      const { key, tokens, alone } = item;
      this.#entries.push({ item, key, tokens, alone, turn, order: this.#arrived++ });
      turn += tokens;
    }
    this.#sort();
  }

  /** Removes the next batch; none where nobody waits. `limitsOf` is asked for the batch of that item. */
  take(limitsOf: (first: T) => BatchLimits): T[] {
    const [next] = this.#entries;
    if (!next) return [];
    this.#turn = Math.max(this.#turn, next.turn);
    this.#batches++;
    const first =
      this.#batches % batchesToTheOldest === 0
        ? this.#entries.reduce((oldest, entry) => (entry.order < oldest.order ? entry : oldest))
        : next;
    const batch = takeBatch(this.#entries, first, limitsOf(first.item));
    this.#taken = new Map(batch.map((entry) => [entry.item, entry]));
    this.#entries = this.#entries.filter(({ item }) => !this.#taken.has(item));
    return [...this.#taken.keys()];
  }

  /** Puts items of the latest batch back where they were, each to go alone. */
  putBack(items: readonly T[]): void {
    for (const item of items) this.#entries.push({ ...this.#taken.get(item)!, alone: true });
    this.#sort();
  }

  remove(items: ReadonlySet<T>): void {
    this.#entries = this.#entries.filter(({ item }) => !items.has(item));
  }

  clear(): T[] {
    return this.#entries.splice(0).map(({ item }) => item);
  }

  #sort(): void {
    this.#entries.sort((a, b) => a.turn - b.turn || a.order - b.order);
  }
}
