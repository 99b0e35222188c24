/** Seeded numbers for test data. Not Philox, so that a backend cannot be right by having the same mistake. */

export interface RandomSource {
  /** In [0, 1). */
  uniform(): number;
  /** Whole, from `low` to `high` inclusive. */
  whole(low: number, high: number): number;
  /** Roughly normal: mean 0, variance 1, never beyond ±3.5. */
  normal(): number;
}

export function createRandomSource(seed: number | string): RandomSource {
  let state = typeof seed === "number" ? seed >>> 0 : hash(seed);
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    uniform: next,
    whole: (low, high) => low + Math.floor(next() * (high - low + 1)),
    normal: () => (next() + next() + next() + next() - 2) * Math.sqrt(3),
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  return value;
}
