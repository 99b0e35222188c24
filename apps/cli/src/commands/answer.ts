/** `modernbert answer`: the spans of contexts that answer questions. */
import { Option } from "commander";
import type { Command } from "commander";
import { answerQuestions } from "@modernbert-ts/pipelines";
import type { Answer, Question } from "@modernbert-ts/pipelines";
import { positiveInteger } from "../options.ts";
import type { Streams } from "../streams.ts";
import { taskCommand } from "../task-command.ts";
import type { TaskOptions } from "../task-command.ts";
import { percent, table } from "../text.ts";

interface AnswerOptions extends TaskOptions {
  readonly question?: string;
  readonly topK: number;
  readonly maxSeqLength?: number;
  readonly docStride?: number;
  readonly maxAnswerLength?: number;
  readonly impossible?: boolean;
}

export function answerCommand(streams: Streams): Command {
  return taskCommand<AnswerOptions, Question, readonly Answer[]>(streams, {
    name: "answer",
    summary: "spans of contexts that answer questions",
    description:
      "With --question each text of the input is a context. Without, the input is records with question and context. Offsets count UTF-16 units.",
    options: [
      new Option("--question <text>", "asked of every text"),
      new Option("--top-k <n>", "answers of each question").argParser(positiveInteger).default(1),
      new Option("--max-seq-length <tokens>", "of a window, the question included (default: 384)").argParser(
        positiveInteger,
      ),
      new Option("--doc-stride <tokens>", "of the context that windows share (default: 128)").argParser(
        positiveInteger,
      ),
      new Option("--max-answer-length <tokens>", "of the longest answer (default: 15)").argParser(positiveInteger),
      new Option("--impossible", "no answer is an answer too: an empty one"),
    ],
    head: "question-answering",
    atOnce: 64,
    truncates: false,
    recordsOnly: ({ question }) => question === undefined,
    input: (record, { question }) =>
      question === undefined
        ? { question: record.text("question"), context: record.text("context") }
        : { question, context: record.text("text") },
    answer: (pipeline, inputs, options, { nameOf }) => {
      const { topK, maxSeqLength, docStride, maxAnswerLength, impossible = false } = options;
      return answerQuestions(pipeline, inputs, {
        nameOf,
        topK,
        handleImpossibleAnswer: impossible,
        ...(maxSeqLength && { maxSeqLength }),
        ...(docStride && { docStride }),
        ...(maxAnswerLength && { maxAnswerLength }),
      });
    },
    show: (found) =>
      found.length === 0
        ? "-"
        : table(
            found.map(({ score, start, end, answer }) => [percent(score), `${start}-${end}`, answer || "(no answer)"]),
            ["right", "right", "left"],
          ),
  });
}
