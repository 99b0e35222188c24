/**
 * The merges of a BPE model by pair of ids: an open-addressed table of (left, right, rank), 16 bytes to a slot so that
 * one probe is one cache line, and a direct table for pairs of single bytes, with which every word starts.
 */
export const NO_MERGE = 0x7fffffff;

export class MergeTable {
  /** Id made by the merge of each rank. */
  readonly made: Int32Array;
  private readonly slots: Int32Array;
  private readonly mask: number;

  /** `pairs` holds left and right id of each merge in order of rank; of equal pairs the last counts, as in the reference. */
  constructor(pairs: Int32Array | Uint16Array, made: Int32Array) {
    this.made = made;
    const capacity = 1 << Math.ceil(Math.log2(Math.max(16, made.length * 2)));
    this.mask = capacity - 1;
    this.slots = new Int32Array(capacity * 4).fill(-1);
    for (let rank = 0; rank < made.length; rank++) {
      const left = pairs[2 * rank]!;
      const right = pairs[2 * rank + 1]!;
      const at = this.slotOf(left, right);
      this.slots[at] = left;
      this.slots[at + 1] = right;
      this.slots[at + 2] = rank;
    }
  }

  /** Rank of the merge of two ids, or NO_MERGE. */
  rank(left: number, right: number): number {
    const { slots, mask } = this;
    let slot = pairHash(left, right) & mask;
    for (;;) {
      const at = slot << 2;
      const found = slots[at]!;
      if (found === left && slots[at + 1] === right) return slots[at + 2]!;
      if (found < 0) return NO_MERGE;
      slot = (slot + 1) & mask;
    }
  }

  /** Left and right id of each merge, by rank. */
  pairs(): [left: number, right: number][] {
    const list: [number, number][] = Array.from({ length: this.made.length });
    for (let at = 0; at < this.slots.length; at += 4) {
      if (this.slots[at]! >= 0) list[this.slots[at + 2]!] = [this.slots[at]!, this.slots[at + 1]!];
    }
    return list.filter((pair) => pair !== undefined);
  }

  private slotOf(left: number, right: number): number {
    let slot = pairHash(left, right) & this.mask;
    for (;;) {
      const at = slot << 2;
      if (this.slots[at]! < 0 || (this.slots[at] === left && this.slots[at + 1] === right)) return at;
      slot = (slot + 1) & this.mask;
    }
  }
}

function pairHash(left: number, right: number): number {
  const hash = Math.imul(left, -1640531527) ^ Math.imul(right, 668265263);
  return hash ^ (hash >>> 15);
}
