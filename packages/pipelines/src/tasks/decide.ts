/** Decisions: choices, scores and statements about a state, with calibrated probabilities, each in one forward pass (Laya's models). */
import { decisionLogits } from "@modernbert-ts/encoder";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { DecisionSettings } from "../folder/decision.ts";
import type { EncodeOptions, PackOptions } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { askQuestion, choicesOf, stateText } from "./decision-questions.ts";
import type { AskedQuestion, DecisionQuestion, Json } from "./decision-questions.ts";
import { readHeaders, withHeader } from "./header.ts";
import { softmax } from "./ranking.ts";
import { readLogits } from "./read-logits.ts";
import { runTask } from "./run-task.ts";
import type { Task, TextSide } from "./task.ts";

export type { DecisionQuestion, Json } from "./decision-questions.ts";

export interface DecisionInput {
  /** What the questions are about: a text, or JSON. */
  readonly state: Json;
  /** By names of the caller's own. */
  readonly questions: Readonly<Record<string, DecisionQuestion>>;
}

/** None of its own. */
export type DecisionOptions = object;

/** The answer to one question, in the fields of the System One API. */
export type Decision =
  | {
      readonly type: "choice";
      /** The likeliest option. */
      readonly choice: string;
      /** Of each option; their sum is 1. */
      readonly probabilities: Readonly<Record<string, number>>;
      /** 1 - entropy / log(options): 0 where all are equally likely, 1 where one is certain. */
      readonly confidence: number;
    }
  | {
      readonly type: "score";
      /** The expected level, counted from 0. */
      readonly score: number;
      /** The levels by number. */
      readonly legend: Readonly<Record<string, string>>;
      readonly probabilities: Readonly<Record<string, number>>;
      readonly confidence: number;
    }
  | {
      readonly type: "noul";
      /** Probability that the statement holds. */
      readonly noul: number;
    };

const operation = "decide";

/** An input takes a sequence per question: kind and places of the markers come first. An output is a logit per option. */
export const decideTask: Task<DecisionInput, DecisionOptions, Float32Array, Readonly<Record<string, Decision>>> = {
  name: operation,
  heads: ["decision"],
  async prepare(text, { state, questions }, options) {
    const settings = settingsOf(text);
    const { name = "text 0" } = options;
    const written = stateText(state);
    const asked: (AskedQuestion & { readonly key: string; readonly question: DecisionQuestion })[] = [];
    for (const [key, question] of Object.entries(questions)) {
      const named = { ...options, name: `question ${JSON.stringify(key)} of ${name}` };
      asked.push({ key, question, ...(await askQuestion(text, settings, written, question, named)) });
    }
    if (asked.length === 0) throw new TensorError(operation, `expected questions in ${name}, got none`);
    return {
      sequences: asked.map(({ type, markers, ids }) => withHeader([type, ...markers], ids)),
      tokens: asked.reduce((sum, { ids }) => sum + ids.length, 0),
      join: (logits) =>
        Object.fromEntries(asked.map(({ key, question }, at) => [key, decisionOf(settings, question, logits[at]!)])),
    };
  },
  async run(text, pack) {
    const { batch, headers } = readHeaders(pack);
    const markers = headers.map((header, at) => header.subarray(1).map((place) => place + batch.cuSeqlens[at]!));
    const rows = Int32Array.from(markers.flatMap((places) => [...places]));
    const types = Int32Array.from(headers, ([type]) => type!);
    const logits = await readLogits(operation, text, batch, (model, hidden, device) =>
      decisionLogits(model, hidden, device, types, rows),
    );
    let from = 0;
    return markers.map(({ length }) => logits.slice(from, (from += length)));
  },
  transferable: ({ buffer }) => [buffer as ArrayBuffer],
};

/**
 * Answers of each question by its name. What is too long is an error; with `truncate` options, instructions and the end of the state are cut.
 * @throws TensorError on a model of another kind, no questions, fewer than two options or more than 255, and what is too long.
 */
export async function decide(
  model: TextModel,
  inputs: readonly DecisionInput[],
  options: DecisionOptions & EncodeOptions & PackOptions = {},
): Promise<Readonly<Record<string, Decision>>[]> {
  return runTask(decideTask, model, inputs, options);
}

function settingsOf({ settings: { decision } }: TextSide): DecisionSettings {
  if (decision) return decision;
  throw new TensorError(operation, "expected a decision model (rl_agent_config.json), got one of another kind");
}

function decisionOf(settings: DecisionSettings, question: DecisionQuestion, logits: Float32Array): Decision {
  const temperature = temperatureOf(settings, question.type, logits.length);
  const probabilities = softmax(logits.map((logit) => logit / temperature));
  const byName = (names: readonly string[]): Record<string, number> =>
    Object.fromEntries(names.map((name, at) => [name, probabilities[at]!]));
  switch (question.type) {
    case "choice": {
      const names = choicesOf(question.criteria);
      const choice = names[probabilities.indexOf(Math.max(...probabilities))]!;
      return { type: "choice", choice, probabilities: byName(names), confidence: confidenceOf(probabilities) };
    }
    case "score": {
      const levels = question.criteria.map((_, at) => String(at));
      return {
        type: "score",
        score: probabilities.reduce((sum, probability, at) => sum + probability * at, 0),
        legend: Object.fromEntries(question.criteria.map((level, at) => [String(at), level])),
        probabilities: byName(levels),
        confidence: confidenceOf(probabilities),
      };
    }
    case "noul":
      return { type: "noul", noul: probabilities[1]! };
    default:
      throw new Error(`internal: unknown question ${String(question satisfies never)}`);
  }
}

const sizes = [
  [2, "2"],
  [5, "3-5"],
  [10, "6-10"],
] as const;

function temperatureOf(
  { temperatures, byType }: DecisionSettings,
  type: DecisionQuestion["type"],
  options: number,
): number {
  const size = sizes.find(([largest]) => options <= largest)?.[1] ?? "11+";
  return temperatures.get(`${type}:${size}`) ?? byType[["choice", "score", "noul"].indexOf(type)]!;
}

function confidenceOf(probabilities: Float64Array): number {
  const entropy = probabilities.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);
  return Math.min(1, Math.max(0, 1 - entropy / Math.log(probabilities.length)));
}
