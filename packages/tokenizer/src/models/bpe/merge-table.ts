/**
 * The merges of a BPE model by pair of ids: an open-addressed table of ranks, compared through the list of
 * pairs. Half full at most, it says of most pairs that do not merge in one look that they do not.
 */
export const NO_MERGE = 0x7fffffff;

export class MergeTable {
  /** Left and right id of each merge, by rank. */
  readonly pairs: Int32Array;
  /** Id made by the merge of each rank. */
  readonly made: Int32Array;
  /** Rank of a merge, -1 in a free slot. */
  readonly #slots: Int32Array;
  readonly #mask: number;

  /** Of equal pairs the last counts, as in the reference. */
  constructor(pairs: Int32Array, made: Int32Array) {
    this.pairs = pairs;
    this.made = made;
    const capacity = 1 << Math.ceil(Math.log2(Math.max(16, made.length * 2)));
    const mask = capacity - 1;
    const slots = new Int32Array(capacity).fill(-1);
    for (let rank = 0, i = 0; rank < made.length; rank++, i += 2) {
      const left = pairs[i]!;
      const right = pairs[i + 1]!;
      let slot = pairHash(left, right) & mask;
      for (let found = slots[slot]!; found >= 0; found = slots[slot]!) {
        if (pairs[2 * found] === left && pairs[2 * found + 1] === right) break;
        slot = (slot + 1) & mask;
      }
      slots[slot] = rank;
    }
    this.#mask = mask;
    this.#slots = slots;
  }

  /** Rank of the merge of two ids, or NO_MERGE. */
  rank(left: number, right: number): number {
    const { pairs } = this;
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = pairHash(left, right) & mask;
    for (;;) {
      const rank = slots[slot]!;
      if (rank < 0) return NO_MERGE;
      if (pairs[2 * rank] === left && pairs[2 * rank + 1] === right) return rank;
      slot = (slot + 1) & mask;
    }
  }
}

function pairHash(left: number, right: number): number {
  const hash = Math.imul(left, -1640531527) ^ Math.imul(right, 668265263);
  return hash ^ (hash >>> 15);
}
