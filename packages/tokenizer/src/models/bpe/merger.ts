/**
 * BPE of one word: merges neighbours, lowest rank first and leftmost first among equals, until none can merge.
 *
 * Short words: the ranks of all neighbours stand in an array that is searched for its minimum; up to some 64 bytes that
 * beats any heap. Longer words go through windows that overlap by one token. Two neighbours that merge to themselves in
 * isolation never merge across their border in any text (before the first merge across a border both sides have merged
 * as if alone), so where two windows agree on the shared token the seam is exact, and time is linear in the length.
 * A window whose seam fails is tried again at twice the width, past 1024 bytes with a heap, which bounds the worst case
 * by n log n.
 */
import { HeapMerger } from "./heap-merger.ts";
import { type MergeTable, NO_MERGE } from "./merge-table.ts";

const WINDOW = 64;
const HEAP_FROM = 1024;

export class Merger {
  /** Symbols of the last merged range. */
  symbols: Int32Array = new Int32Array(HEAP_FROM);
  readonly #merges: MergeTable;
  readonly #byteIds: Int32Array;
  readonly #lengths: (id: number) => number;
  readonly #ranks: Int32Array = new Int32Array(HEAP_FROM);
  /** Rank of the merge of two bytes, with which every word starts: first byte * 256 + second byte. */
  readonly #byteRanks: Int32Array = new Int32Array(1 << 16);
  #heap: HeapMerger | undefined;

  /** `byteIds` holds the id of each byte, -1 for a byte outside the vocabulary (skipped, as the reference does). */
  constructor(merges: MergeTable, byteIds: Int32Array, lengths: (id: number) => number) {
    this.#merges = merges;
    this.#byteIds = byteIds;
    this.#lengths = lengths;
    this.#byteRanks.fill(NO_MERGE);
    const byteOf = new Int16Array(byteIds.reduce((size, id) => Math.max(size, id + 1), 0)).fill(-1);
    byteIds.forEach((id, byte) => {
      if (id >= 0) byteOf[id] = byte;
    });
    const { pairs, made } = merges;
    for (let rank = 0; rank < made.length; rank++) {
      const left = byteOf[pairs[2 * rank]!] ?? -1;
      const right = byteOf[pairs[2 * rank + 1]!] ?? -1;
      if (left >= 0 && right >= 0) this.#byteRanks[(left << 8) | right] = rank;
    }
  }

  /** Writes the ids of a word into `out` from `at` on (room for one per byte); returns where they end. */
  merge(bytes: Uint8Array, start: number, end: number, out: Int32Array, at: number): number {
    if (end - start > WINDOW && this.#tiles(bytes, start, end)) {
      const after = this.#mergeWindows(bytes, start, end, out, at);
      if (after >= 0) return after;
    }
    const count = this.#symbolsOf(bytes, start, end);
    for (let i = 0; i < count; i++) out[at + i] = this.symbols[i]!;
    return at + count;
  }

  /** As `merge`, or -1 when the seams cannot be proved and the word must be merged whole. */
  #mergeWindows(bytes: Uint8Array, start: number, end: number, out: Int32Array, at: number): number {
    let window = { from: start, at, opens: -1, width: WINDOW }; // `opens`: the token it must begin with
    let last = window;
    for (;;) {
      const to = Math.min(end, window.from + window.width);
      const count = this.#symbolsOf(bytes, window.from, to);
      if (window.opens >= 0 && this.symbols[0] !== window.opens) {
        if (window === last) return -1;
        last.width *= 2;
        window = last;
        continue;
      }
      if (to === end) {
        out.set(this.symbols.subarray(0, count), window.at);
        return window.at + count;
      }
      // Keep what lies in the first three quarters; the token after it opens the next window.
      const sure = window.from + window.width - (window.width >> 2);
      let kept = 0;
      let next = window.from;
      for (; kept < count - 1; kept++) {
        const after = next + this.#lengths(this.symbols[kept]!);
        if (after + this.#lengths(this.symbols[kept + 1]!) > sure) break;
        out[window.at + kept] = this.symbols[kept]!;
        next = after;
      }
      if (kept === 0) {
        window.width *= 2;
        continue;
      }
      last = window;
      window = { from: next, at: window.at + kept, opens: this.symbols[kept]!, width: WINDOW };
    }
  }

  /** Every byte is in the vocabulary, so that token lengths add up to the text (windows rely on it). */
  #tiles(bytes: Uint8Array, start: number, end: number): boolean {
    for (let i = start; i < end; i++) if (this.#byteIds[bytes[i]!]! < 0) return false;
    return true;
  }

  /** Merges a range into `symbols`; returns how many there are. */
  #symbolsOf(bytes: Uint8Array, start: number, end: number): number {
    if (this.symbols.length < end - start) this.symbols = new Int32Array(end - start);
    const { symbols } = this;
    const byteIds = this.#byteIds;
    const byteRanks = this.#byteRanks;
    const ranks = this.#ranks;
    const ranked = end - start <= HEAP_FROM;
    let count = 0;
    let before = 0; // the last byte that has an id
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      const id = byteIds[byte]!;
      if (id < 0) continue;
      if (ranked && count > 0) ranks[count - 1] = byteRanks[(before << 8) | byte]!;
      symbols[count++] = id;
      before = byte;
    }
    if (ranked) return this.#scan(count);
    this.#heap ??= new HeapMerger(this.#merges);
    return this.#heap.merge(symbols, count);
  }

  /** Merges symbols[0, count), whose ranks are set. */
  #scan(count: number): number {
    const { symbols } = this;
    const ranks = this.#ranks;
    const merges = this.#merges;
    const { made } = merges;
    while (count > 1) {
      let best = NO_MERGE;
      let at = 0;
      for (let i = 0; i < count - 1; i++) {
        const rank = ranks[i]!;
        if (rank < best) {
          best = rank;
          at = i;
        }
      }
      if (best === NO_MERGE) break;
      count--;
      symbols[at] = made[best]!;
      for (let i = at + 1; i < count; i++) {
        symbols[i] = symbols[i + 1]!;
        ranks[i - 1] = ranks[i]!;
      }
      if (at > 0) ranks[at - 1] = merges.rank(symbols[at - 1]!, symbols[at]!);
      if (at + 1 < count) ranks[at] = merges.rank(symbols[at]!, symbols[at + 1]!);
    }
    return count;
  }
}
