/** Question answering: the spans of a context that answer a question, with their offsets. */
import { questionAnsweringLogits } from "@modernbert-ts/encoder";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Encoding } from "@modernbert-ts/tokenizer";
import { encodeWithOffsets, sequenceOf, tokenize } from "../sequences.ts";
import type { EncodeOptions, InputOptions, PackOptions } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { likelySpans } from "./answer-spans.ts";
import { readLogits } from "./read-logits.ts";
import { runTask } from "./run-task.ts";
import type { Task, TextSide } from "./task.ts";
import { rangeOf, wordAround, wordsOf } from "./words.ts";
import type { Range } from "./words.ts";

export interface Question {
  readonly question: string;
  readonly context: string;
}

export interface AnswerOptions {
  /** How many of the best answers; 1 by default. */
  readonly topK?: number;
  /** Tokens of a window, question and special tokens included. Default 384, or what the model takes. */
  readonly maxSeqLength?: number;
  /** Tokens of the context that each window repeats from the one before. Default 128, at most half of a window. */
  readonly docStride?: number;
  /** Tokens of the longest answer. Default 15. */
  readonly maxAnswerLength?: number;
  /** "No answer" is an answer too: an empty one. Default false. */
  readonly handleImpossibleAnswer?: boolean;
  /** Answers are whole words. Default true. */
  readonly alignToWords?: boolean;
}

export interface Answer {
  /** From 0 to 1: P(start) · P(end), summed over places where the same text stands. */
  readonly score: number;
  /** In UTF-16 units: `context.slice(start, end)` is `answer`. */
  readonly start: number;
  readonly end: number;
  readonly answer: string;
}

const operation = "answerQuestion";

/** An output is the logits of starts and ends of a window, one after another for each token [T, 2]. */
export const questionAnsweringTask: Task<Question, AnswerOptions, Float32Array, readonly Answer[]> = {
  name: operation,
  heads: ["question-answering"],
  async prepare(text, question, options) {
    const windows = await windowsOf(text, question, options);
    return {
      sequences: windows.map((window) => sequenceOf(text, window)),
      join: (logits) => answersOf(text, question.context, windows, logits, options),
    };
  },
  async run(text, pack) {
    const values = await readLogits(operation, text, pack, (model, hidden) => questionAnsweringLogits(model, hidden));
    return Array.from(pack.cuSeqlens.subarray(1), (end, at) => values.slice(2 * pack.cuSeqlens[at]!, 2 * end));
  },
  transferable: ({ buffer }) => [buffer as ArrayBuffer],
};

/**
 * The best answers of each question, as transformers' question-answering pipeline (of version 4) finds them in windows of the context.
 * @throws TensorError on an empty question or context, and on a question that leaves no room for the context.
 */
export async function answerQuestions(
  model: TextModel,
  questions: readonly Question[],
  options: AnswerOptions & Omit<EncodeOptions, "truncate"> & PackOptions = {},
): Promise<(readonly Answer[])[]> {
  return runTask(questionAnsweringTask, model, questions, options);
}

async function windowsOf(
  text: TextSide,
  { question, context }: Question,
  { maxSeqLength = 384, docStride, name = "text 0" }: AnswerOptions & InputOptions,
): Promise<Encoding[]> {
  const maxLength = Math.min(maxSeqLength, text.settings.maxLength);
  const stride = docStride ?? Math.min(maxLength >> 1, 128);
  const { length } = await tokenize(text, question, { pair: "", padding: false, truncation: false });
  if (!(stride >= 0 && stride < maxLength - length)) {
    throw new TensorError(
      operation,
      `expected room for more than the ${stride} tokens of docStride in windows of ${maxLength}, got a question of ${length} in ${name}: shorten it, or lower docStride`,
    );
  }
  const whole = await encodeWithOffsets(text, operation, [question, context], { name }, "", {
    offsets: "utf16",
    truncation: { maxLength, strategy: "only_second", stride },
  });
  return [whole, ...whole.overflowing];
}

function answersOf(
  { tokenizer }: TextSide,
  context: string,
  windows: readonly Encoding[],
  logits: readonly Float32Array[],
  options: AnswerOptions,
): Answer[] {
  const { topK = 1, maxAnswerLength = 15, handleImpossibleAnswer = false, alignToWords = true } = options;
  const words = alignToWords ? wordsOf(tokenizer, context) : [];
  const found = new Map<string, Answer>();
  let none = 1;
  for (const [at, window] of windows.entries()) {
    const inContext = Array.from(window.sequenceIds, (part) => part === 1);
    // Several spans of tokens can be the same words.
    const count = alignToWords ? 2 * topK + 10 : topK;
    const { spans, noAnswer } = likelySpans(logits[at]!, inContext, count, maxAnswerLength);
    none = Math.min(none, noAnswer);
    for (const { first, last, score } of spans) {
      const around = (place: number): Range => wordAround(words, rangeOf(window, place));
      const [start, end] = [around(first)[0], around(last)[1]];
      const answer = context.slice(start, end);
      const key = answer.toLowerCase();
      const same = found.get(key);
      found.set(key, same ? { ...same, score: same.score + score } : { score, start, end, answer });
    }
  }
  const answers = [...found.values()];
  if (handleImpossibleAnswer) answers.push({ score: none, start: 0, end: 0, answer: "" });
  return answers.toSorted((a, b) => b.score - a.score).slice(0, topK);
}
