/**
 * Masked-language-model masking (ModernBERT recipe): one uniform r per token; r < 0.8p → [MASK], r < 0.9p → random id,
 * r < p → kept; all three are predicted, everything else has label -100.
 * r is Philox of (seed; epoch, document, chunk, position in the sequence): the mask of a sequence is the same whatever rank,
 * row or batch it lands in, new in every epoch, and needs no state. Evaluations that start at epoch 0 repeat their masks.
 */
import { philox4x32 } from "@modernbert-ts/tensor-core";
import { checkInteger, DataError } from "../../errors.ts";
import { streamKey } from "../../data/packing/random-streams.ts";
import type { PackedRow } from "../../data/packing/batch.ts";

/** Label of tokens that are not predicted. */
export const IGNORE_LABEL = -100;

/** A masked row: one micro-batch of the model. */
export interface MaskedRow extends PackedRow {
  /** [T]: the original id where the token is to be predicted, -100 elsewhere. */
  readonly labels: Int32Array;
  /** [M], increasing: the positions to predict; the decoder runs on these only. M ≥ 1. */
  readonly maskedPositions: Int32Array;
  /** [M]: labels at these positions. */
  readonly maskedLabels: Int32Array;
}

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
}

/**
 * Returns the masking function `(row, p) → masked row`; `p` in (0, 1] is the share of (non-special) tokens to predict.
 *
 * A row that draws no token still predicts one, so that no loss is a mean of nothing: the non-special token with the smallest
 * r becomes [MASK], or, in a row of special tokens only, the special token with the smallest r.
 */
export function createMlmMasker(options: MaskOptions): (row: PackedRow, probability: number) => MaskedRow {
  const { seed, maskId, vocabSize, specialIds, maskSpecials = false } = options;
  checkInteger("createMlmMasker", "vocabSize", vocabSize, 1, 2 ** 31 - 1);
  for (const id of [maskId, ...specialIds]) checkInteger("createMlmMasker", "special id", id, 0, vocabSize - 1);
  const key = streamKey(seed, "mask");
  const special = new Uint8Array(vocabSize);
  if (!maskSpecials) for (const id of specialIds) special[id] = 1;

  return (row, probability) => {
    if (!(probability > 0 && probability <= 1))
      throw new DataError("invalid", "mlmMask", `expected a mask probability in (0, 1], got ${probability}`);
    const ids = row.ids.slice();
    const labels = new Int32Array(ids.length).fill(IGNORE_LABEL);
    const positions = new Int32Array(ids.length);
    let masked = 0;
    let nearest = -1;
    let nearestDraw = Number.POSITIVE_INFINITY;
    for (const [n, { document, chunk, epoch }] of row.sequences.entries()) {
      const begin = row.cuSeqlens[n]!;
      const end = row.cuSeqlens[n + 1]!;
      for (let at = begin; at < end; at++) {
        const id = ids[at]!;
        const isSpecial = special[id];
        if (isSpecial === undefined)
          throw new DataError("invalid", "mlmMask", `expected token ids in 0..${vocabSize - 1}, got ${id}`);
        const [word, replacement] = philox4x32([at - begin, document, epoch, chunk], key);
        const draw = word / 2 ** 32;
        const order = draw + isSpecial;
        if (order < nearestDraw) {
          nearest = at;
          nearestDraw = order;
        }
        if (order >= probability) continue;
        labels[at] = id;
        positions[masked++] = at;
        if (draw < 0.8 * probability) ids[at] = maskId;
        else if (draw < 0.9 * probability) ids[at] = Math.floor((replacement / 2 ** 32) * vocabSize);
      }
    }
    if (masked === 0) {
      labels[nearest] = ids[nearest]!;
      ids[nearest] = maskId;
      positions[masked++] = nearest;
    }
    const maskedPositions = positions.slice(0, masked);
    return { ...row, ids, labels, maskedPositions, maskedLabels: maskedPositions.map((at) => labels[at]!) };
  };
}
