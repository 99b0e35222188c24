/**
 * Extractive question answering: where in each sequence the answer starts and ends. The softmax runs over the sequence's own tokens;
 * transformers lets padding take part in it, so losses agree where its batch has none.
 */
import { add, concat, full, gather, reshape, scale, slice } from "@modernbert-ts/tensor-core";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { PackedBatch } from "../batch/packed-batch.ts";
import { pad } from "../batch/padding.ts";
import type { Encoder } from "../encoder.ts";
import { ConfigError } from "../errors.ts";
import type { ForwardOptions } from "../forward-options.ts";
import { readOnce } from "../read-once.ts";
import { classifierParameters, classify } from "./classifier.ts";
import type { HeadDefinition, HeadOutput } from "./definition.ts";
import { answerSpans } from "./input-labels.ts";
import { checkCount, uploadLabels } from "./labels.ts";
import type { DeviceLabels } from "./labels.ts";
import { crossEntropy } from "./loss.ts";
import type { Loss, LossOptions } from "./loss.ts";

/** Positions inside their sequences, [N] each: below 0 counts as 0, at or after the end the sequence does not count. */
export interface AnswerSpans {
  readonly start: Int32Array;
  readonly end: Int32Array;
}

/** Spans on the device, with the places of tokens in padded rows. */
export interface DeviceSpans {
  /** i32 [N, S]: the token at each place of each sequence, T behind its end. */
  readonly tokens: Tensor;
  readonly start: DeviceLabels;
  readonly end: DeviceLabels;
}

/** hidden [T, d] → logits [T, 2]: column 0 for starts, column 1 for ends. */
export function questionAnsweringLogits(model: Encoder, hidden: Tensor, options: ForwardOptions = {}): Tensor {
  return model.runtime.scope(() => classify(model, model.headFeatures(hidden), options));
}

/** @throws BatchError unless there is a start and an end for each sequence. */
export function uploadSpans(runtime: Runtime, batch: PackedBatch, { start, end }: AnswerSpans): DeviceSpans {
  const { cuSeqlens, maxSeqlen, ids } = batch;
  const sequences = cuSeqlens.length - 1;
  const tokens = new Int32Array(sequences * maxSeqlen).fill(ids.length);
  for (let n = 0; n < sequences; n++) {
    for (let at = cuSeqlens[n]!; at < cuSeqlens[n + 1]!; at++) tokens[n * maxSeqlen + at - cuSeqlens[n]!] = at;
  }
  const labels = (positions: Int32Array): DeviceLabels =>
    uploadLabels(runtime, "questionAnsweringLoss", insideLabels(positions, batch), sequences, maxSeqlen);
  return {
    tokens: runtime.tensor(tokens, [sequences, maxSeqlen], "i32"),
    start: labels(start),
    end: labels(end),
  };
}

/** The mean of the two cross-entropies, each a mean over the sequences that count. `lossSum` and `count` are of both together. */
export function questionAnsweringLoss(logits: Tensor, spans: DeviceSpans, options: LossOptions = {}): Loss {
  const { runtime } = logits;
  return runtime.scope(() => {
    const padded = concat([logits, full(runtime, [1, 2], never, logits.dtype)], 0);
    const rows = gather(padded, spans.tokens);
    const ofColumn = (column: number, labels: DeviceLabels): Loss =>
      crossEntropy("questionAnsweringLoss", columnOf(rows, column), labels, options);
    const [first, last] = [ofColumn(0, spans.start), ofColumn(1, spans.end)];
    const loss = scale(add(first.loss, last.loss), 0.5);
    return { loss, lossSum: add(first.lossSum, last.lossSum), count: first.count + last.count };
  });
}

/** Small enough that its exponential is 0 in every dtype, and finite: not every device has infinities. */
const never = -1e30;

function columnOf(rows: Tensor, column: number): Tensor {
  return reshape(slice(rows, 2, column, column + 1), rows.shape.slice(0, 2));
}

function insideLabels(positions: Int32Array, { cuSeqlens }: PackedBatch): Int32Array {
  checkCount("questionAnsweringLoss", positions, cuSeqlens.length - 1);
  return positions.map((at, n) => (at < cuSeqlens[n + 1]! - cuSeqlens[n]! ? Math.max(at, 0) : -1));
}

export const questionAnsweringHead: HeadDefinition = {
  classSuffix: "ForQuestionAnswering",
  labelNames: ["start_positions", "end_positions"],
  parameters(config, names) {
    if (config.labels.length !== 2) {
      throw new ConfigError("question-answering", `expected 2 labels (start and end), got ${config.labels.length}`);
    }
    return classifierParameters(config, names, 2);
  },
  plan(model, inputs) {
    const { unpadded } = inputs;
    const spans = answerSpans(inputs, model.head);
    const logits = (hidden: Tensor): Tensor => questionAnsweringLogits(model, hidden);
    const output = (name: string, column: number): HeadOutput => ({
      name,
      shape: unpadded.shape,
      async read(hidden) {
        const both = await readOnce(model.runtime, () => logits(hidden));
        return pad(
          Float32Array.from(unpadded.indices, (_, token) => both[2 * token + column]!),
          unpadded,
        );
      },
    });
    return {
      outputs: [output("start_logits", 0), output("end_logits", 1)],
      loss:
        spans &&
        ((hidden, { host }) => questionAnsweringLoss(logits(hidden), uploadSpans(model.runtime, host, spans)).loss),
    };
  },
};
