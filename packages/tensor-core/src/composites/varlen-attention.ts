/**
 * Attention over packed sequences, optionally in a sliding window. The reference gathers for each token the keys that it may see,
 * so it costs O(T · window) for local layers and O(T · maxSeqlen) for global ones: never a T × T matrix.
 * Exact while T < 2^24, because indices pass through f32 maps.
 */
import { cast, contiguous, map, mul, scale } from "../ops/elementwise.ts";
import { full, iota } from "../ops/create.ts";
import { gather, takeAlong } from "../ops/indexing.ts";
import { matmul } from "../ops/matmul.ts";
import { max, sum } from "../ops/reduce.ts";
import { expand, permute, reshape, slice, transpose } from "../ops/views.ts";
import { x } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CompositeAttrs } from "../backend/fused.ts";
import { dropoutBy } from "../random/random.ts";
import { expectDropout, expectShape } from "./definition.ts";
import type { CompositeDefinition } from "./definition.ts";
import { ropeDefinition } from "./rope.ts";

const s = scalar;

/** A row without any key has the largest score -∞ and the sum 0: with these bounds it becomes 0, and so does its gradient. Others have a sum of 1 or more. */
const lowest = -3e38;

export const varlenAttentionDefinition: CompositeDefinition<"varlenAttention"> = {
  infer([qkv, cuSeqlens, cos, sin, positions, keyCounts, step], { dropout }) {
    expectShape("varlenAttention", "qkv", qkv, [-1, 3, -1, -1]);
    expectShape("varlenAttention", "cuSeqlens", cuSeqlens, [-1]);
    const [tokens, , heads, width] = qkv.shape as [number, number, number, number];
    if (cos || sin || positions) ropeDefinition.infer([qkv, cos ?? null, sin ?? null, positions ?? null], {});
    if (keyCounts) expectShape("varlenAttention", "keyCounts", keyCounts, [cuSeqlens.shape[0]! - 1]);
    expectDropout("varlenAttention", dropout, step);
    return [{ shape: [tokens, heads, width], dtype: qkv.dtype }];
  },
  widening: { inputs: [0] },
  /** Turned by `rope`, then as without. */
  needsNoKernel: ({ inputs: [, , cos] }) => cos !== null && cos !== undefined,
  reference([qkv, cuSeqlens, cos, sin, positions, keyCounts = null, step = null], attrs, apply) {
    if (cos) {
      const [turned] = apply("rope", [qkv!, cos, sin!, positions!], {});
      return apply("varlenAttention", [turned!, cuSeqlens!, null, null, null, keyCounts, step], attrs);
    }
    const [tokens, , heads, width] = qkv!.shape as [number, number, number, number];
    // A window that reaches every key of the longest sequence is none.
    const window = attrs.window !== null && attrs.window < attrs.maxSeqlen - 1 ? attrs.window : null;
    const { keys, visible, start } = visibleKeys(cuSeqlens!, keyCounts, tokens, window, attrs.maxSeqlen);
    const count = keys.shape[1]!;
    const rows = (part: number): Tensor => reshape(slice(qkv!, 1, part, part + 1), [tokens, heads * width]);
    const gathered = (part: number): Tensor =>
      permute(reshape(gather(rows(part), keys), [tokens, count, heads, width]), [0, 2, 1, 3]);
    const query = reshape(rows(0), [tokens, heads, 1, width]);
    const scores = scale(matmul(query, transpose(gathered(1))), attrs.scale);
    const mask = reshape(visible, [tokens, 1, 1, count]);
    const masked = map(s.select(x(1), x(0), Number.NEGATIVE_INFINITY), [scores, mask]);
    const peak = stopGradient(max(masked, [3]));
    const exponentials = map(s.select(x(2), s.exp(s.sub(x(0), s.max(x(1), lowest))), 0), [masked, peak, mask]);
    const whole = map(s.div(x(0), s.max(x(1), 0.5)), [exponentials, sum(exponentials, [3])]);
    const probabilities = attrs.dropout
      ? dropProbabilities(whole, map(s.sub(x(0), x(1)), [keys, start], "i32"), attrs, step)
      : whole;
    return [reshape(matmul(probabilities, gathered(2)), [tokens, heads, width])];
  },
};

/** The same values without history. */
function stopGradient(tensor: Tensor): Tensor {
  return tensor.runtime.own(tensor.alias());
}

/** Drops probabilities [T, H, 1, K] of the keys at `offsets` [T, K] in their sequences: each has its number in [T, H, maxSeqlen]. */
function dropProbabilities(
  probabilities: Tensor,
  offsets: Tensor,
  { dropout, maxSeqlen }: CompositeAttrs["varlenAttention"],
  step: Tensor | null,
): Tensor {
  const [tokens, heads, , count] = probabilities.shape as [number, number, number, number];
  const { runtime } = probabilities;
  const kept = dropoutBy(full(runtime, [tokens, heads, maxSeqlen], 1), dropout!, step);
  const columns = contiguous(expand(reshape(offsets, [tokens, 1, count]), [tokens, heads, count]));
  const picked = takeAlong(reshape(kept, [tokens * heads, maxSeqlen]), reshape(columns, [tokens * heads, count]));
  return mul(probabilities, reshape(picked, [tokens, heads, 1, count]));
}

/**
 * For each token the rows of the keys in its window [T, K] (itself where there is none), whether each counts (1 or 0), and where its
 * sequence starts [T, 1].
 */
function visibleKeys(
  cuSeqlens: Tensor,
  keyCounts: Tensor | null,
  tokens: number,
  window: number | null,
  maxSeqlen: number,
): { keys: Tensor; visible: Tensor; start: Tensor } {
  const { runtime } = cuSeqlens;
  const sequences = cuSeqlens.shape[0]! - 1;
  const token = reshape(iota(runtime, [tokens]), [tokens, 1]);
  const ends = expand(reshape(slice(cuSeqlens, 0, 1, sequences + 1), [1, sequences]), [tokens, sequences]);
  const sequence = cast(sum(map(s.lessEqual(x(1), x(0)), [token, ends], "f32"), [1]), "i32");
  const bounds = cast(reshape(cuSeqlens, [sequences + 1, 1]), "f32");
  const ids = reshape(sequence, [tokens]);
  const start = gather(bounds, ids);
  const end = keyCounts
    ? map(s.add(x(0), x(1)), [start, gather(cast(reshape(keyCounts, [sequences, 1]), "f32"), ids)])
    : gather(bounds, map(s.add(x(0), 1), [ids]));
  const count = window === null ? maxSeqlen : 2 * window + 1;
  const column = reshape(iota(runtime, [count]), [1, count]);
  const first = window === null ? start : map(s.sub(x(0), window), [token], "f32");
  const key = map(s.add(x(0), x(1)), [first, column], "f32");
  const visible = map(s.mul(s.lessEqual(x(1), x(0)), s.less(x(0), x(2))), [key, start, end], "f32");
  const keys = map(s.select(x(1), x(0), x(2)), [key, visible, token], "i32");
  return { keys, visible, start };
}
