/**
 * The texts that speed is measured on, after the ModernBERT paper's efficiency protocol (arXiv 2412.13663, Table 2): random ids; lengths all
 * the same, or normal around half of the longest with an eighth as deviation, at least 16.
 */
import { packSequences } from "@modernbert-ts/encoder";
import type { PackedBatch } from "@modernbert-ts/encoder";

export type Lengths = "fixed" | "variable";

/** Reproducible draws below 1. */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Token ids of `count` texts of at most `longest` tokens. The ids are the low ones of the vocabulary, but not those of special tokens. */
export function drawTexts(
  lengths: Lengths,
  longest: number,
  count: number,
  vocabSize: number,
  seed: number,
): Int32Array[] {
  const random = seededRandom(seed);
  const [low, high] = [100, Math.min(16_000, vocabSize)];
  return Array.from({ length: count }, () => {
    const length = lengths === "fixed" ? longest : normalLength(longest, random);
    return Int32Array.from({ length }, () => low + Math.floor(random() * (high - low)));
  });
}

function normalLength(longest: number, random: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.min(longest, Math.max(16, Math.round(longest / 2 + (normal * longest) / 8)));
}

/** The texts one after another; padding does not exist. */
export function packed(texts: readonly Int32Array[]): PackedBatch {
  return packSequences(texts);
}

/**
 * The texts as a model without unpadding computes them: each filled up to `longest` with id 0. The filling is computed like any other token, and
 * is not masked: a mask changes what comes out, and next to nothing of the time.
 */
export function padded(texts: readonly Int32Array[], longest: number): PackedBatch {
  return packSequences(
    texts.map((text) => {
      const ids = new Int32Array(longest);
      ids.set(text);
      return ids;
    }),
  );
}
