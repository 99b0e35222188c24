/** The likeliest spans of tokens in a window, from the logits of their starts and ends. */
import { softmax } from "./ranking.ts";

export interface Span {
  /** Places of its first and last token in the window. */
  readonly first: number;
  readonly last: number;
  readonly score: number;
}

/** In place of the logit of a token that cannot be part of an answer. */
const never = -10_000;

/**
 * The `count` likeliest spans of at most `longest` tokens, of which those outside the context are left out. Probabilities are over the
 * context and the first token, which stands for "no answer".
 * @param logits [T, 2] @param inContext [T]
 */
export function likelySpans(
  logits: Float32Array,
  inContext: readonly boolean[],
  count: number,
  longest: number,
): { readonly spans: readonly Span[]; readonly noAnswer: number } {
  const column = (at: number): Float64Array =>
    softmax(Float32Array.from(inContext, (inside, token) => (inside || token === 0 ? logits[2 * token + at]! : never)));
  const [start, end] = [column(0), column(1)];
  const noAnswer = start[0]! * end[0]!;
  const best: Span[] = [];
  for (let first = 1; first < start.length; first++) {
    for (let last = first; last < Math.min(start.length, first + longest); last++) {
      const score = start[first]! * end[last]!;
      if (best.length === count && score <= best[count - 1]!.score) continue;
      let rank = best.length;
      while (rank > 0 && best[rank - 1]!.score < score) rank--;
      best.splice(rank, 0, { first, last, score });
      if (best.length > count) best.pop();
    }
  }
  return { spans: best.filter(({ first, last }) => inContext[first] && inContext[last]), noAnswer };
}
