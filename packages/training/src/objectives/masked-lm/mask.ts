/**
 * Masked-language-model masking (ModernBERT recipe): one uniform r per token; r < 0.8p → [MASK], r < 0.9p → random id,
 * r < p → kept; all three are predicted, everything else has label -100. Whole words draw together, with the r of their first token.
 * r is Philox of (seed; epoch, document, chunk, position in the sequence): the mask of a sequence is the same whatever rank,
 * row or batch it lands in, new in every epoch, and needs no state. Evaluations that start at epoch 0 repeat their masks.
 */
import { philox4x32 } from "@modernbert-ts/tensor-core";
import { checkInteger, DataError } from "../../errors.ts";
import { streamKey } from "../../data/packing/random-streams.ts";
import type { PackedRow } from "../../data/packing/batch.ts";
import { goesOn } from "./words.ts";

/** Label of tokens that are not predicted. */
export const IGNORE_LABEL = -100;

/** A masked row: one micro-batch of the model. */
export interface MaskedRow extends PackedRow {
  /** [T], the original id where the token is to be predicted, -100 elsewhere. */
  readonly labels: Int32Array;
  /** [M], increasing: the positions to predict; the decoder runs on these only. M ≥ 1. */
  readonly maskedPositions: Int32Array;
  /** [M], labels at these positions. */
  readonly maskedLabels: Int32Array;
}

/** What tokens to predict become: 80 % [MASK], 10 % random and 10 % unchanged, or all [MASK]. */
export const replacements = ["80/10/10", "mask"] as const;

export interface MaskOptions {
  readonly seed: number;
  readonly maskId: number;
  /** Random replacements are uniform in 0..vocabSize-1, special ids included (as in the recipe, which reaches 50,284). */
  readonly vocabSize: number;
  /** Ids that are never masked, such as [CLS] and [SEP]. */
  readonly specialIds: readonly number[];
  /**
   * Mask special tokens too, as the original run did. Off by default: their place gives them away (first and last of each
   * sequence), so they cost decoder work, teach nothing and flatter the accuracy.
   */
  readonly maskSpecials?: boolean;
  /** Default "80/10/10". */
  readonly replacement?: (typeof replacements)[number];
  /** Predict whole words: bits of `wordEdges` by id [vocabSize]. Each of its tokens then draws by itself what becomes of it. */
  readonly wordEdges?: Uint8Array;
}

/**
 * Returns the masking function `(row, p) → masked row`; `p` in (0, 1] is the share of (non-special) tokens to predict.
 *
 * A row that draws no token still predicts one, so that no loss is a mean of nothing: the non-special token (or word) with the
 * smallest r becomes [MASK], or, in a row of special tokens only, the special token with the smallest r.
 */
export function createMlmMasker(options: MaskOptions): (row: PackedRow, probability: number) => MaskedRow {
  const { seed, maskId, vocabSize, specialIds, maskSpecials = false, replacement = "80/10/10", wordEdges } = options;
  checkInteger("createMlmMasker", "vocabSize", vocabSize, 1, 2 ** 31 - 1);
  for (const id of [maskId, ...specialIds]) checkInteger("createMlmMasker", "special id", id, 0, vocabSize - 1);
  const key = streamKey(seed, "mask");
  const special = new Uint8Array(vocabSize);
  if (!maskSpecials) for (const id of specialIds) special[id] = 1;
  const [asMask, asRandom] = replacement === "mask" ? [1, 1] : [0.8, 0.9];

  return (row, probability) => {
    if (!(probability > 0 && probability <= 1))
      throw new DataError("invalid", "mlmMask", `expected a mask probability in (0, 1], got ${probability}`);
    const original = row.ids;
    const ids = original.slice();
    const labels = new Int32Array(ids.length).fill(IGNORE_LABEL);
    const positions = new Int32Array(ids.length);
    let masked = 0;
    let nearest = -1;
    let nearestDraw = Number.POSITIVE_INFINITY;
    const inWord = (at: number, begin: number): boolean =>
      wordEdges !== undefined && at > begin && goesOn(wordEdges, original[at - 1]!, original[at]!);
    for (const [n, { document, chunk, epoch }] of row.sequences.entries()) {
      const begin = row.cuSeqlens[n]!;
      const end = row.cuSeqlens[n + 1]!;
      let draw = 0;
      for (let at = begin; at < end; at++) {
        const id = original[at]!;
        const isSpecial = special[id];
        if (isSpecial === undefined)
          throw new DataError("invalid", "mlmMask", `expected token ids in 0..${vocabSize - 1}, got ${id}`);
        const [own, random, fate] = philox4x32([at - begin, document, epoch, chunk], key);
        if (!inWord(at, begin)) draw = own / 2 ** 32;
        const order = draw + isSpecial;
        if (order < nearestDraw) {
          nearest = at;
          nearestDraw = order;
        }
        if (order >= probability) continue;
        labels[at] = id;
        positions[masked++] = at;
        const place = wordEdges === undefined ? draw : (fate / 2 ** 32) * probability;
        if (place < asMask * probability) ids[at] = maskId;
        else if (place < asRandom * probability) ids[at] = Math.floor((random / 2 ** 32) * vocabSize);
      }
    }
    if (masked === 0) {
      const begin = row.cuSeqlens.findLast((start) => start <= nearest)!;
      do {
        labels[nearest] = original[nearest]!;
        ids[nearest] = maskId;
        positions[masked++] = nearest++;
      } while (nearest < ids.length && !row.cuSeqlens.includes(nearest) && inWord(nearest, begin));
    }
    const maskedPositions = positions.slice(0, masked);
    return { ...row, ids, labels, maskedPositions, maskedLabels: maskedPositions.map((at) => labels[at]!) };
  };
}
