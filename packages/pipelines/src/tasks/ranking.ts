/** Softmax and top-k over a row of logits, on the host in f64. */
import { notFinite } from "../sequences.ts";

export interface Ranked {
  readonly id: number;
  readonly score: number;
}

/** The `k` largest probabilities of softmax(logits), of these ids where some are given: largest first; earlier ids first on ties. */
export function topProbabilities(logits: Float32Array, k: number, ids?: readonly number[]): Ranked[] {
  const probabilities = softmax(logits);
  const best: Ranked[] = [];
  const some = ids && [...new Set(ids)];
  for (let at = 0; at < (some ?? probabilities).length; at++) {
    const id = some ? some[at]! : at;
    const score = probabilities[id]!;
    if (best.length === k && score <= best[k - 1]!.score) continue;
    let rank = best.length;
    while (rank > 0 && best[rank - 1]!.score < score) rank--;
    best.splice(rank, 0, { id, score });
    if (best.length > k) best.pop();
  }
  return best;
}

/** @throws TensorError on NaN or infinite logits. */
export function softmax(logits: Float32Array): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) largest = Math.max(largest, logit);
  const result = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  let total = 0;
  for (const value of result) total += value;
  if (!Number.isFinite(total)) throw notFinite("softmax");
  return result.map((value) => value / total);
}
