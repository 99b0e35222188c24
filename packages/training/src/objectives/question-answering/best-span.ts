/** The answer that logits point at: the best span of any window of a question, or none. */

export interface Window {
  /** Of the context, -1 for tokens that are no part of it: [2T]. */
  readonly offsets: Int32Array;
  /** Start and end logit of each token [2T]. */
  readonly logits: Float32Array;
}

export interface Span {
  readonly score: number;
  /** In the context. */
  readonly from: number;
  readonly to: number;
}

/** The best span of a window of at most `most` tokens, and the score of no answer (its first token). */
export function bestSpan(
  { offsets, logits }: Window,
  most: number,
): { readonly span: Span | undefined; readonly none: number } {
  const tokens = logits.length / 2;
  let span: Span | undefined;
  for (let first = 0; first < tokens; first++) {
    const from = offsets[2 * first]!;
    if (from < 0) continue;
    for (let last = first; last < Math.min(tokens, first + most); last++) {
      const to = offsets[2 * last + 1]!;
      if (to < 0) break;
      const score = logits[2 * first]! + logits[2 * last + 1]!;
      if (!span || score > span.score) span = { score, from, to };
    }
  }
  return { span, none: logits[0]! + logits[1]! };
}
