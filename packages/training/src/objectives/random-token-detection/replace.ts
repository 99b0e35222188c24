/**
 * Tokens of a row replaced by random ones. The draw is Philox of (seed; epoch, document, chunk, position in the sequence), so that a
 * sequence is the same whatever rank, row or batch it lands in, and new in every epoch.
 */
import { philox4x32 } from "@modernbert-ts/tensor-core";
import type { PackedRow } from "../../data/packing/batch.ts";
import { streamKey } from "../../data/packing/random-streams.ts";
import { checkInteger, DataError } from "../../errors.ts";

/** A row with replaced tokens: one micro-batch of the model. */
export interface ReplacedRow extends PackedRow {
  /** [T], 1 where the id is another than the original, 0 where it is the original, -100 for special tokens. */
  readonly labels: Int32Array;
  /** How many tokens are not special. */
  readonly scored: number;
}

export interface ReplaceOptions {
  readonly seed: number;
  /** Replacements are uniform in 0..vocabSize-1. */
  readonly vocabSize: number;
  /** Ids that are never replaced and never scored. */
  readonly specialIds: readonly number[];
}

/** Returns the function (row, share in (0, 1]) → replaced row. A token that draws itself counts as original. */
export function createReplacer(options: ReplaceOptions): (row: PackedRow, share: number) => ReplacedRow {
  const { seed, vocabSize, specialIds } = options;
  checkInteger("createReplacer", "vocabSize", vocabSize, 1, 2 ** 31 - 1);
  const key = streamKey(seed, "replace");
  const special = new Set(specialIds);
  return (row, share) => {
    if (!(share > 0 && share <= 1))
      throw new DataError("invalid", "replaceTokens", `expected a share in (0, 1], got ${share}`);
    const ids = row.ids.slice();
    const labels = new Int32Array(ids.length).fill(-100);
    let scored = 0;
    for (const [n, { document, chunk, epoch }] of row.sequences.entries()) {
      const begin = row.cuSeqlens[n]!;
      for (let at = begin; at < row.cuSeqlens[n + 1]!; at++) {
        const original = ids[at]!;
        if (special.has(original)) continue;
        const [word, replacement] = philox4x32([at - begin, document, epoch, chunk], key);
        if (word / 2 ** 32 < share) ids[at] = Math.floor((replacement / 2 ** 32) * vocabSize);
        labels[at] = ids[at] === original ? 0 : 1;
        scored++;
      }
    }
    return { ...row, ids, labels, scored };
  };
}
