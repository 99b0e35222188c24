/** Masked tokens become what a generator takes to be likely there: drawn on the device, without gradients. */
import { maskedLmLogits } from "@modernbert-ts/encoder";
import type { Encoder, ScoredTokens } from "@modernbert-ts/encoder";
import { cast, iota, map, max, putAlong, reshape, scalar, uniform, x } from "@modernbert-ts/tensor-core";
import type { Draw, Tensor } from "@modernbert-ts/tensor-core";

/** Gives an id for each scored token, i32 [M]. @param hidden the generator's, [T, d]. */
export type Sample = (generator: Encoder, hidden: Tensor, scored: ScoredTokens, draw: Draw) => Tensor;

const gumbel = scalar.sub(x(0), scalar.log(scalar.neg(scalar.log(x(1)))));

/** From the softmax at temperature 1, as the largest of logits with Gumbel noise. */
export const sample: Sample = (generator, hidden, { positions }, draw) => {
  const { runtime } = hidden;
  return runtime.scope(() => {
    const logits = maskedLmLogits(generator, hidden, positions);
    const [rows, columns] = logits.shape as [number, number];
    const noisy = map(gumbel, [cast(logits, "f32"), uniform(runtime, [rows, columns], draw)]);
    const column = reshape(iota(runtime, [columns], "f32"), [1, columns]);
    const where = map(scalar.select(scalar.equal(x(0), x(1)), x(2), -1), [noisy, max(noisy, [-1]), column]);
    return cast(reshape(max(where, [-1]), [rows]), "i32");
  });
};

const isMasked = scalar.lessEqual(0, x(1));
const corrupted = scalar.select(isMasked, x(2), x(0));
const replaced = scalar.select(isMasked, scalar.sub(1, scalar.equal(x(2), x(1))), 0);
const labelled = scalar.select(scalar.less(x(0), 0), x(0), replaced);

const row = (values: Tensor): Tensor => reshape(values, [1, values.size]);

export interface Originals {
  /** Of the masked row, i32 [T]. */
  readonly ids: Tensor;
  /** The original where a token is masked, -100 elsewhere, i32 [T]. */
  readonly labels: Tensor;
  /** -100 where a token is special, 0 elsewhere, i32 [T]. */
  readonly unscored: Tensor;
}

/**
 * Sampled ids [M] in their places: the row that the model reads, i32 [T], and which of its tokens are others than the originals, i32 [T, 1],
 * -100 for special tokens. A token that was drawn right is an original.
 */
export function corrupt(
  { ids, labels, unscored }: Originals,
  { positions }: ScoredTokens,
  sampled: Tensor,
): { readonly ids: Tensor; readonly labels: Tensor } {
  const tokens = ids.size;
  // Whole numbers below 2^24 are exact in f32.
  const placed = cast(reshape(putAlong(row(cast(sampled, "f32")), row(positions), tokens), [tokens]), "i32");
  return {
    ids: map(corrupted, [ids, labels, placed]),
    labels: reshape(map(labelled, [unscored, labels, placed]), [tokens, 1]),
  };
}
