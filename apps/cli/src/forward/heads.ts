/** What each head adds to the last hidden state: logits in padded rows, and a loss where the input has labels. */
import {
  maskedLmLogits,
  maskedLmLoss,
  multipleChoiceLogits,
  multipleChoiceLoss,
  pad,
  questionAnsweringLogits,
  questionAnsweringLoss,
  sequenceClassificationLogits,
  sequenceClassificationLoss,
  tokenClassificationLogits,
  tokenClassificationLoss,
} from "@modernbert-ts/modernbert";
import type { ModernBert } from "@modernbert-ts/modernbert";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { answerSpans, expectLabels, tokenLabels, wholeLabels } from "./labels.ts";
import type { ForwardInputs } from "./read-inputs.ts";
import { readOnce } from "./read-once.ts";

/** A tensor of the output file. */
interface HeadOutput {
  readonly name: string;
  readonly shape: readonly number[];
  /** Computes it from the last hidden state [T, d] and brings it to the host. */
  readonly read: (hidden: Tensor) => Promise<Float32Array>;
}

export interface HeadPlan {
  readonly outputs: readonly HeadOutput[];
  /** hidden [T, d] → loss [1]; undefined without labels. */
  readonly loss: ((hidden: Tensor) => Tensor) | undefined;
}

/** @throws CliError when the labels are not those of the model's head. */
export function planHead(model: ModernBert, inputs: ForwardInputs): HeadPlan {
  const { runtime, config, head } = model;
  const { unpadded, shape } = inputs;
  const { batch } = unpadded;
  const [rows, columns] = unpadded.shape;
  expectLabels(inputs, head, labelNames(model));
  switch (head) {
    case "none":
      return { outputs: [], loss: undefined };
    case "masked-lm": {
      const labels = tokenLabels(inputs, head);
      const read = (hidden: Tensor): Promise<Float32Array> => paddedLogits(model, hidden, inputs);
      return {
        outputs: [{ name: "logits", shape: [rows, columns, config.vocabSize], read }],
        loss: labels && ((hidden) => maskedLmLoss(model, hidden, labels).loss),
      };
    }
    case "token-classification": {
      const labels = tokenLabels(inputs, head);
      const logits = (hidden: Tensor): Tensor => tokenClassificationLogits(model, hidden);
      const read = async (hidden: Tensor): Promise<Float32Array> =>
        pad(await readOnce(runtime, () => logits(hidden)), unpadded);
      return {
        outputs: [{ name: "logits", shape: [rows, columns, config.labels.length], read }],
        loss: labels && ((hidden) => tokenClassificationLoss(model, logits(hidden), labels).loss),
      };
    }
    case "sequence-classification": {
      const labels = inputs.labels.get("labels")?.data;
      const logits = (hidden: Tensor): Tensor => sequenceClassificationLogits(model, hidden, batch);
      const read = (hidden: Tensor): Promise<Float32Array> => readOnce(runtime, () => logits(hidden));
      return {
        outputs: [{ name: "logits", shape: [rows, config.labels.length], read }],
        loss: labels && ((hidden) => sequenceClassificationLoss(model, logits(hidden), labels).loss),
      };
    }
    case "multiple-choice": {
      const [questions, choices] = shape as [number, number, number];
      const labels = wholeLabels(inputs, head, "labels", [questions]);
      const logits = (hidden: Tensor): Tensor => multipleChoiceLogits(model, hidden, batch, choices);
      const read = (hidden: Tensor): Promise<Float32Array> => readOnce(runtime, () => logits(hidden));
      return {
        outputs: [{ name: "logits", shape: [questions, choices], read }],
        loss: labels && ((hidden) => multipleChoiceLoss(model, logits(hidden), labels).loss),
      };
    }
    case "question-answering": {
      const spans = answerSpans(inputs, head);
      const logits = (hidden: Tensor): Tensor => questionAnsweringLogits(model, hidden);
      const output = (name: string, column: number): HeadOutput => ({
        name,
        shape: [rows, columns],
        async read(hidden) {
          const both = await readOnce(runtime, () => logits(hidden));
          return pad(
            Float32Array.from(unpadded.indices, (_, token) => both[2 * token + column]!),
            unpadded,
          );
        },
      });
      return {
        outputs: [output("start_logits", 0), output("end_logits", 1)],
        loss: spans && ((hidden) => questionAnsweringLoss(model, logits(hidden), batch, spans).loss),
      };
    }
    default:
      throw new Error(`internal: unknown head ${String(head satisfies never)}`);
  }
}

function labelNames({ head }: ModernBert): readonly string[] {
  if (head === "none") return [];
  return head === "question-answering" ? ["start_positions", "end_positions"] : ["labels"];
}

/** Logits of the masked-LM head that the device holds at a time: 64 MiB of f32. */
const logitsAtOnce = 2 ** 24;

/** All logits [B, S, V]. */
async function paddedLogits(model: ModernBert, hidden: Tensor, { unpadded }: ForwardInputs): Promise<Float32Array> {
  const { vocabSize } = model.config;
  const [rows, columns] = unpadded.shape;
  const padded = new Float32Array(rows * columns * vocabSize);
  const step = Math.max(1, Math.floor(logitsAtOnce / vocabSize));
  for (let from = 0; from < unpadded.indices.length; from += step) {
    const indices = unpadded.indices.subarray(from, from + step);
    const positions = indices.map((_, at) => from + at);
    const values = await readOnce(model.runtime, () => maskedLmLogits(model, hidden, positions));
    indices.forEach((index, at) =>
      padded.set(values.subarray(at * vocabSize, (at + 1) * vocabSize), index * vocabSize),
    );
  }
  return padded;
}
