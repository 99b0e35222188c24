/**
 * How the seed of a run becomes Philox keys. Each use has its own key, so that no two share bits.
 * Key = [low 32 bits of the seed, high 21 bits of the seed | stream << 24].
 */
import { checkInteger } from "../../errors.ts";

const streams = { shuffle: 1, mask: 2, replace: 3, mixture: 4, pair: 5 } as const;

/** Philox key of one use of `seed` (an integer in 0..2^53-1). */
export function streamKey(seed: number, stream: keyof typeof streams): readonly [number, number] {
  checkInteger("streamKey", "seed", seed, 0, Number.MAX_SAFE_INTEGER);
  return [seed >>> 0, (Math.floor(seed / 2 ** 32) | (streams[stream] << 24)) >>> 0];
}
