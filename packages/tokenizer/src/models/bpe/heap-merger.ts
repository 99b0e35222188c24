/**
 * BPE of a long range with a binary heap of (rank, position) and a linked list of symbols: n log n in the worst case.
 * Entries that a later merge has made stale are recognised when they come up, by their rank.
 */
import { type MergeTable, NO_MERGE } from "./merge-table.ts";

/** Positions fit below; rank * SPAN + position is exact in a double up to 2^22 ranks. */
const SPAN = 2 ** 31;

export class HeapMerger {
  readonly #merges: MergeTable;
  #keys: Float64Array = new Float64Array(0);
  #size = 0;

  constructor(merges: MergeTable) {
    this.#merges = merges;
  }

  /** Merges symbols[0, count) in place; returns how many remain. */
  merge(symbols: Int32Array, count: number): number {
    const merges = this.#merges;
    const next = Int32Array.from({ length: count }, (_, i) => (i + 1 < count ? i + 1 : -1));
    const before = Int32Array.from({ length: count }, (_, i) => i - 1);
    this.#keys = new Float64Array(3 * count);
    this.#size = 0;
    const offer = (left: number): void => {
      const right = next[left]!;
      const rank = right < 0 ? NO_MERGE : merges.rank(symbols[left]!, symbols[right]!);
      if (rank !== NO_MERGE) this.#push(rank * SPAN + left);
    };
    for (let i = 0; i + 1 < count; i++) offer(i);
    while (this.#size > 0) {
      const key = this.#pop();
      const rank = Math.floor(key / SPAN);
      const left = key - rank * SPAN;
      const right = symbols[left]! < 0 ? -1 : next[left]!;
      if (right < 0 || merges.rank(symbols[left]!, symbols[right]!) !== rank) continue;
      symbols[left] = merges.made[rank]!;
      symbols[right] = -1;
      next[left] = next[right]!;
      if (next[right]! >= 0) before[next[right]!] = left;
      if (before[left]! >= 0) offer(before[left]!);
      offer(left);
    }
    this.#keys = new Float64Array(0);
    let kept = 0;
    for (let i = 0; i < count; i++) if (symbols[i]! >= 0) symbols[kept++] = symbols[i]!;
    return kept;
  }

  #push(key: number): void {
    const keys = this.#keys;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[at] = keys[parent]!;
      at = parent;
    }
    keys[at] = key;
  }

  #pop(): number {
    const keys = this.#keys;
    const top = keys[0]!;
    const key = keys[--this.#size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= key) break;
      keys[at] = keys[child]!;
      at = child;
    }
    keys[at] = key;
    return top;
  }
}
