/** Counts distinct words without making strings: all words in one growing byte array, found through a hash table. */
import { hashBytes } from "../models/vocabulary.ts";
import type { WordList } from "../pre-tokenizers/word-list.ts";

export class WordCounter {
  /** Number of distinct words. */
  size = 0;
  /** Word i is bytes[starts[i], starts[i + 1]). */
  bytes: Uint8Array = new Uint8Array(1 << 16);
  starts: Int32Array = new Int32Array(1 << 12);
  counts: Float64Array = new Float64Array(1 << 12);
  #slots: Int32Array = new Int32Array(1 << 13).fill(-1);

  /** Takes the place of a model at the end of the pipeline: words are counted, no tokens are made. */
  encodeWords(bytes: Uint8Array, words: WordList): void {
    for (let word = 0; word < words.count; word++)
      this.#add(bytes, words.ranges[2 * word]!, words.ranges[2 * word + 1]!);
  }

  #add(text: Uint8Array, start: number, end: number): void {
    const mask = this.#slots.length - 1;
    let slot = hashBytes(text, start, end) & mask;
    for (let word = this.#slots[slot]!; word >= 0; word = this.#slots[slot]!) {
      if (this.#equals(word, text, start, end)) {
        this.counts[word]!++;
        return;
      }
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.size;
    this.#append(text, start, end);
    if (2 * this.size > mask) this.#rehash();
  }

  #equals(word: number, text: Uint8Array, start: number, end: number): boolean {
    let at = this.starts[word]!;
    if (this.starts[word + 1]! - at !== end - start) return false;
    while (start < end) if (this.bytes[at++] !== text[start++]) return false;
    return true;
  }

  #append(text: Uint8Array, start: number, end: number): void {
    const at = this.starts[this.size]!;
    const after = at + end - start;
    if (after > this.bytes.length) {
      const larger = new Uint8Array(Math.max(after, 2 * this.bytes.length));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    if (this.size + 2 > this.starts.length) {
      const starts = new Int32Array(2 * this.starts.length);
      starts.set(this.starts);
      const counts = new Float64Array(starts.length);
      counts.set(this.counts);
      [this.starts, this.counts] = [starts, counts];
    }
    this.bytes.set(text.subarray(start, end), at);
    this.counts[this.size++] = 1;
    this.starts[this.size] = after;
  }

  #rehash(): void {
    const slots = new Int32Array(2 * this.#slots.length).fill(-1);
    const mask = slots.length - 1;
    for (let word = 0; word < this.size; word++) {
      let slot = hashBytes(this.bytes, this.starts[word]!, this.starts[word + 1]!) & mask;
      while (slots[slot]! >= 0) slot = (slot + 1) & mask;
      slots[slot] = word;
    }
    this.#slots = slots;
  }
}
