/**
 * Attention over packed sequences, optionally in a sliding window. The reference gathers for each token the keys that it may see,
 * so it costs O(T · window) for local layers and O(T · maxSeqlen) for global ones: never a T × T matrix.
 * Exact while T < 2^24, because indices pass through f32 maps.
 */
import { cast, div, map, scale } from "../ops/elementwise.ts";
import { iota } from "../ops/create.ts";
import { gather } from "../ops/indexing.ts";
import { matmul } from "../ops/matmul.ts";
import { max, sum } from "../ops/reduce.ts";
import { expand, permute, reshape, slice, transpose } from "../ops/views.ts";
import { x } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { expectShape } from "./definition.ts";
import type { CompositeDefinition } from "./definition.ts";

const s = scalar;

export const varlenAttentionDefinition: CompositeDefinition<"varlenAttention"> = {
  infer([qkv, cuSeqlens]) {
    expectShape("varlenAttention", "qkv", qkv, [-1, 3, -1, -1]);
    expectShape("varlenAttention", "cuSeqlens", cuSeqlens, [-1]);
    const [tokens, , heads, width] = qkv.shape as [number, number, number, number];
    return [{ shape: [tokens, heads, width], dtype: qkv.dtype }];
  },
  widening: { inputs: [0] },
  reference([qkv, cuSeqlens], attrs) {
    const [tokens, , heads, width] = qkv!.shape as [number, number, number, number];
    // A window that reaches every key of the longest sequence is none.
    const window = attrs.window !== null && attrs.window < attrs.maxSeqlen - 1 ? attrs.window : null;
    const { keys, visible } = visibleKeys(cuSeqlens!, tokens, window, attrs.maxSeqlen);
    const count = keys.shape[1]!;
    const rows = (part: number): Tensor => reshape(slice(qkv!, 1, part, part + 1), [tokens, heads * width]);
    const gathered = (part: number): Tensor =>
      permute(reshape(gather(rows(part), keys), [tokens, count, heads, width]), [0, 2, 1, 3]);
    const query = reshape(rows(0), [tokens, heads, 1, width]);
    const scores = scale(matmul(query, transpose(gathered(1))), attrs.scale);
    const mask = reshape(visible, [tokens, 1, 1, count]);
    const masked = map(s.select(x(1), x(0), Number.NEGATIVE_INFINITY), [scores, mask]);
    const exponentials = map(s.select(x(2), s.exp(s.sub(x(0), x(1))), 0), [
      masked,
      stopGradient(max(masked, [3])),
      mask,
    ]);
    const probabilities = div(exponentials, sum(exponentials, [3]));
    return [reshape(matmul(probabilities, gathered(2)), [tokens, heads, width])];
  },
};

/** The same values without history. */
function stopGradient(tensor: Tensor): Tensor {
  return tensor.runtime.own(tensor.alias());
}

/** For each token the rows of the keys in its window [T, K] (itself where there is none) and whether each counts (1 or 0). */
function visibleKeys(
  cuSeqlens: Tensor,
  tokens: number,
  window: number | null,
  maxSeqlen: number,
): { keys: Tensor; visible: Tensor } {
  const { runtime } = cuSeqlens;
  const sequences = cuSeqlens.shape[0]! - 1;
  const token = reshape(iota(runtime, [tokens]), [tokens, 1]);
  const ends = expand(reshape(slice(cuSeqlens, 0, 1, sequences + 1), [1, sequences]), [tokens, sequences]);
  const sequence = cast(sum(map(s.lessEqual(x(1), x(0)), [token, ends], "f32"), [1]), "i32");
  const bounds = cast(reshape(cuSeqlens, [sequences + 1, 1]), "f32");
  const ids = reshape(sequence, [tokens]);
  const start = gather(bounds, ids);
  const end = gather(bounds, map(s.add(x(0), 1), [ids]));
  const count = window === null ? maxSeqlen : 2 * window + 1;
  const column = reshape(iota(runtime, [count]), [1, count]);
  const first = window === null ? start : map(s.sub(x(0), window), [token], "f32");
  const key = map(s.add(x(0), x(1)), [first, column], "f32");
  const visible = map(s.mul(s.lessEqual(x(1), x(0)), s.less(x(0), x(2))), [key, start, end], "f32");
  const keys = map(s.select(x(1), x(0), x(2)), [key, visible, token], "i32");
  return { keys, visible };
}
