/**
 * Extractive question answering: where in each sequence the answer starts and ends. The softmax runs over the sequence's own tokens;
 * transformers lets padding take part in it, so losses agree where its batch has none.
 */
import { add, concat, full, gather, reshape, scale, slice } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { PackedBatch } from "../batch.ts";
import type { ForwardOptions } from "../encoder.ts";
import type { ModernBert } from "../model.ts";
import { checkCount, countScored, crossEntropySum, reduceLoss } from "./loss.ts";
import type { Loss, LossOptions } from "./loss.ts";
import { classify } from "./prediction-head.ts";

/** Positions inside their sequences, [N] each: below 0 counts as 0, at or after the end the sequence does not count. */
export interface AnswerSpans {
  readonly start: Int32Array;
  readonly end: Int32Array;
}

/** hidden [T, d] → logits [T, 2]: column 0 for starts, column 1 for ends. */
export function questionAnsweringLogits(model: ModernBert, hidden: Tensor, options: ForwardOptions = {}): Tensor {
  return classify(model, hidden, options);
}

/** The mean of the two cross-entropies, each a mean over the sequences that count. `lossSum` and `count` are of both together. */
export function questionAnsweringLoss(
  model: ModernBert,
  logits: Tensor,
  batch: PackedBatch,
  { start, end }: AnswerSpans,
  options: LossOptions = {},
): Loss {
  return model.runtime.scope(() => {
    const rows = logitsBySequence(logits, batch);
    const [first, last] = [start, end].map((positions, column) => {
      const labels = insideLabels(positions, batch);
      const lossSum = crossEntropySum("questionAnsweringLoss", columnOf(rows, column), labels);
      return reduceLoss(lossSum, countScored(labels), options);
    }) as [Loss, Loss];
    const loss = scale(add(first.loss, last.loss), 0.5);
    return { loss, lossSum: add(first.lossSum, last.lossSum), count: first.count + last.count };
  });
}

/** Small enough that its exponential is 0 in every dtype, and finite: not every device has infinities. */
const never = -1e30;

/** logits [T, 2] → [N, S, 2], S the longest sequence, `never` after each sequence's end. */
function logitsBySequence(logits: Tensor, { cuSeqlens, maxSeqlen }: PackedBatch): Tensor {
  const { runtime } = logits;
  const [tokens, sequences] = [logits.shape[0]!, cuSeqlens.length - 1];
  const rows = new Int32Array(sequences * maxSeqlen).fill(tokens);
  for (let n = 0; n < sequences; n++) {
    for (let at = cuSeqlens[n]!; at < cuSeqlens[n + 1]!; at++) rows[n * maxSeqlen + at - cuSeqlens[n]!] = at;
  }
  const padded = concat([logits, full(runtime, [1, 2], never, logits.dtype)], 0);
  return gather(padded, runtime.tensor(rows, [sequences, maxSeqlen], "i32"));
}

function columnOf(rows: Tensor, column: number): Tensor {
  return reshape(slice(rows, 2, column, column + 1), rows.shape.slice(0, 2));
}

function insideLabels(positions: Int32Array, { cuSeqlens }: PackedBatch): Int32Array {
  checkCount("questionAnsweringLoss", positions, cuSeqlens.length - 1);
  return positions.map((at, n) => (at < cuSeqlens[n + 1]! - cuSeqlens[n]! ? Math.max(at, 0) : -1));
}
