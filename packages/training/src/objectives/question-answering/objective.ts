/** Extractive question answering, as SQuAD and its 2.0: where in a text the answer begins and ends, or that there is none. */
import { questionAnsweringLogits, questionAnsweringLoss } from "@modernbert-ts/encoder";
import type { DeviceSpans, Encoder } from "@modernbert-ts/encoder";
import type { ExampleRow } from "../../data/examples/example-row.ts";
import type { ExampleStore } from "../../data/examples/example-store.ts";
import { squadScores } from "../../metrics/squad.ts";
import { exampleLoader } from "../example-loader.ts";
import { exampleModel } from "../example-model.ts";
import type { DeviceExampleRow } from "../example-model.ts";
import type { HeldOutMetrics, Objective, TrainableModel } from "../objective.ts";
import { defaultValues, numberOf } from "../settings.ts";
import type { ObjectiveSettings, SettingValues } from "../settings.ts";
import { bestSpan } from "./best-span.ts";
import { answerReading } from "./reading.ts";
import type { WindowNote } from "./reading.ts";

/** What a window says of its question. */
interface WindowAnswer {
  readonly question: number;
  readonly answers: readonly string[];
  readonly text: string;
  readonly score: number;
  readonly none: number;
}

function answerMetrics(values: SettingValues): HeldOutMetrics<ExampleRow, WindowAnswer> {
  const most = numberOf(values, "max_answer_tokens");
  return {
    metrics: [
      { name: "exactMatch", title: "exact match", format: "share" },
      { name: "f1", title: "F1 of answers", format: "share" },
    ],
    collect({ notes, cuSeqlens }, logits) {
      return notes.map((note, at) => {
        const { question, context, answers, offsets } = note as WindowNote;
        const own = logits.subarray(2 * cuSeqlens[at]!, 2 * cuSeqlens[at + 1]!);
        const { span, none } = bestSpan({ offsets, logits: own }, most);
        const text = span ? context.slice(span.from, span.to).trim() : "";
        return { question, answers, text, score: span?.score ?? -Number.MAX_VALUE, none };
      });
    },
    // Of a question's windows the best span counts; none where every window says so more loudly.
    summarise(items) {
      const questions = new Map<number, WindowAnswer>();
      for (const item of items) {
        const best = questions.get(item.question);
        const none = Math.min(item.none, best?.none ?? item.none);
        questions.set(item.question, { ...(!best || item.score > best.score ? item : best), none });
      }
      const all = [...questions.values()].map(({ answers, text, score, none }) =>
        squadScores(none > score ? "" : text, answers),
      );
      const mean = (of: (scores: (typeof all)[number]) => number): number =>
        all.reduce((sum, scores) => sum + of(scores), 0) / all.length;
      return { exactMatch: mean(({ exact }) => exact), f1: mean(({ f1 }) => f1) };
    },
  };
}

type Input = "tokens" | "start" | "end";

function answerModel(
  encoder: Encoder,
  options: { readonly seed: number },
  values: SettingValues,
): TrainableModel<ExampleRow, DeviceExampleRow<Input>> {
  return exampleModel(encoder, options, {
    metrics: [],
    heldOut: answerMetrics(values),
    inputs(row) {
      const sequences = row.values.length;
      const tokens = new Int32Array(sequences * row.maxSeqlen).fill(row.ids.length);
      for (let n = 0; n < sequences; n++)
        for (let at = row.cuSeqlens[n]!; at < row.cuSeqlens[n + 1]!; at++)
          tokens[n * row.maxSeqlen + at - row.cuSeqlens[n]!] = at;
      const places = (side: 0 | 1): Int32Array => Int32Array.from(row.values, (own) => own[side]!);
      return {
        tokens: { values: tokens, shape: [sequences, row.maxSeqlen] },
        start: { values: places(0), shape: [sequences, 1] },
        end: { values: places(1), shape: [sequences, 1] },
      };
    },
    output(hidden, { inputs: { tokens, start, end } }, forward) {
      const logits = questionAnsweringLogits(encoder, hidden, forward);
      const count = start.size;
      const spans: DeviceSpans = { tokens, start: { values: start, count }, end: { values: end, count } };
      return { lossSum: questionAnsweringLoss(logits, spans, { numItems: 1 }).loss, sums: [], predictions: logits };
    },
  });
}

const settings: ObjectiveSettings = {
  section: "answering",
  description: "How answers are looked for.",
  fields: {
    doc_stride: {
      kind: "count",
      default: 128,
      description: "Tokens that the next window of a long text repeats; less than what fits beside the question.",
    },
    max_answer_tokens: { kind: "count", default: 30, description: "Longest answer that an evaluation gives." },
  },
  evaluation: {},
};

export const questionAnsweringObjective: Objective<ExampleRow, ExampleStore> = {
  name: "question_answering",
  head: "question-answering",
  headSettings: () => ({ labels: ["LABEL_0", "LABEL_1"] }),
  reading: answerReading,
  lossUnit: "nats per border",
  metrics: [],
  settings,
  model: (encoder, options, values = defaultValues(settings)) => answerModel(encoder, options, values),
  loader: (data, batches, _values, state) => exampleLoader(data, batches, ({ examples }) => examples.length, state),
  epochTokens: ({ store }) => store.tokens,
  baselines: () => [],
};
