/**
 * Tokens of the words that the model had to merge: a direct-mapped table of fixed-size records, where the newest word
 * takes the slot. Its memory never grows, and a lookup touches three cache lines and allocates nothing.
 */
const SLOTS = 1 << 14;
const KEY_BYTES = 32;
const MAX_TOKENS = 8;

export class WordCache {
  /** Hash, and length * 16 + token count (0 while the slot is free). */
  readonly #heads: Int32Array = new Int32Array(2 * SLOTS);
  readonly #keys: Uint8Array = new Uint8Array(SLOTS * KEY_BYTES);
  readonly #ids: Int32Array = new Int32Array(SLOTS * MAX_TOKENS);

  /** Copies the tokens of a word to `out` and returns how many, or 0 when it is not here. */
  get(bytes: Uint8Array, start: number, end: number, hash: number, out: Int32Array, at: number): number {
    const slot = (hash >>> 8) & (SLOTS - 1);
    const head = this.#heads[2 * slot + 1]!;
    if (head >> 4 !== end - start || this.#heads[2 * slot] !== hash) return 0;
    const keys = this.#keys;
    const ids = this.#ids;
    for (let i = start, k = slot * KEY_BYTES; i < end; i++, k++) if (keys[k] !== bytes[i]) return 0;
    const count = head & 15;
    for (let i = 0, k = slot * MAX_TOKENS; i < count; i++) out[at + i] = ids[k + i]!;
    return count;
  }

  /** Keeps a word of up to 32 bytes and 8 tokens; others are merged each time. */
  set(bytes: Uint8Array, start: number, end: number, hash: number, out: Int32Array, at: number, count: number): void {
    if (end - start > KEY_BYTES || count > MAX_TOKENS || count === 0) return;
    const slot = (hash >>> 8) & (SLOTS - 1);
    this.#heads[2 * slot] = hash;
    this.#heads[2 * slot + 1] = ((end - start) << 4) | count;
    for (let i = start, k = slot * KEY_BYTES; i < end; i++, k++) this.#keys[k] = bytes[i]!;
    for (let i = 0, k = slot * MAX_TOKENS; i < count; i++) this.#ids[k + i] = out[at + i]!;
  }

  clear(): void {
    this.#heads.fill(0);
  }
}
