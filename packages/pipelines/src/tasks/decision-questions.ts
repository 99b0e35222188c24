/** Questions with several options, and the token sequences that Laya's models read: type and instructions, options, state. */
import { TensorError } from "@modernbert-ts/tensor-core";
import { TextTooLongError } from "../errors.ts";
import type { DecisionSettings } from "../folder/decision.ts";
import { tokenize } from "../sequences.ts";
import type { InputOptions } from "../sequences.ts";
import type { TextSide } from "./task.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** "noul" is a statement that holds or not. */
export type DecisionQuestion =
  | {
      readonly type: "choice";
      readonly instructions: string;
      /** Options, or what each means by name; null where the name says it. */
      readonly criteria: readonly string[] | Readonly<Record<string, string | null>>;
    }
  | {
      readonly type: "score";
      readonly instructions: string;
      /** Levels, the lowest first. */
      readonly criteria: readonly string[];
    }
  | {
      readonly type: "noul";
      readonly instructions: string;
      readonly criteria?:
        | { readonly true?: string | null | undefined; readonly false?: string | null | undefined }
        | null
        | undefined;
    };

const typeIds = { choice: 0, score: 1, noul: 2 } as const;
/** Options of one question. */
const most = 255;
const optionTokens = 48;
const leastInstructions = 16;

/** A question as a model reads it. */
export interface AskedQuestion {
  readonly type: number;
  readonly ids: Int32Array;
  /** Places of the options' markers in `ids`. */
  readonly markers: readonly number[];
}

/** Names of a choice's options. */
export function choicesOf(criteria: readonly string[] | Readonly<Record<string, string | null>>): readonly string[] {
  return isList(criteria) ? criteria : Object.keys(criteria);
}

/** What the model reads of each option. */
function optionsOf(question: DecisionQuestion): readonly string[] {
  switch (question.type) {
    case "choice": {
      const { criteria } = question;
      return choicesOf(criteria).map((name) => {
        const meaning = isList(criteria) ? null : criteria[name];
        return meaning ? `${name}: ${meaning}` : name;
      });
    }
    case "score":
      return question.criteria.map((level, at) => `level ${at}: ${level}`);
    case "noul": {
      const { criteria } = question;
      return [
        `false: ${criteria?.false || "no, the statement does not hold"}`,
        `true: ${criteria?.true || "yes, the statement holds"}`,
      ];
    }
    default:
      throw new Error(`internal: unknown question ${String(question satisfies never)}`);
  }
}

/**
 * [CLS] type and instructions [SEP], a marker before each option, [SEP] state [SEP]. Too many tokens are an error; with `truncate` options,
 * instructions and the end of the state are cut as Laya cuts them.
 * @throws TensorError on fewer than two options or more than 255.
 */
export async function askQuestion(
  side: TextSide,
  { maxLength, questionLength }: DecisionSettings,
  state: string,
  question: DecisionQuestion,
  { truncate = false, name = "the question" }: InputOptions,
): Promise<AskedQuestion> {
  const { tokenizer } = side;
  const { cls, sep, mask } = tokenizer.specialTokens;
  if (cls === undefined || sep === undefined || mask === undefined) {
    throw new TensorError(
      "decide",
      "expected a tokenizer with [CLS], [SEP] and [MASK], got one without: choose another",
    );
  }
  const marker = tokenizer.idToToken(mask)!;
  const encode = async (text: string): Promise<Int32Array> => {
    const options = { addSpecialTokens: false, padding: false, truncation: false } as const;
    return (await tokenize(side, text.replaceAll(marker, " "), options)).ids;
  };
  const texts = optionsOf(question);
  if (texts.length < 2 || texts.length > most) {
    throw new TensorError("decide", `expected 2 to ${most} options in ${name}, got ${texts.length}`);
  }
  if (question.type === "choice" && new Set(choicesOf(question.criteria)).size < texts.length) {
    throw new TensorError("decide", `expected options of different names in ${name}, got one twice`);
  }
  const head = await encode(`${question.type} question: ${question.instructions}`);
  const whole = await Promise.all(texts.map(async (text) => encode(` ${text}`)));
  const cut = fit(head, whole, questionLength);
  if (!truncate) {
    const all = head.length + whole.reduce((sum, { length }) => sum + 1 + length, 0);
    const kept = cut.head.length + cut.options.reduce((sum, { length }) => sum + 1 + length, 0);
    if (kept < all) {
      throw new TensorError(
        "decide",
        `expected at most ${questionLength} tokens of instructions and options, each option at most ${optionTokens}, got ${all} in ${name}: shorten them or truncate`,
      );
    }
  }
  const ids: number[] = [cls, ...cut.head, sep];
  const markers = cut.options.map((option) => {
    ids.push(mask, ...option);
    return ids.length - option.length - 1;
  });
  ids.push(sep);
  const room = Math.max(0, maxLength - ids.length - 1);
  const rest = await encode(state);
  const length = ids.length + rest.length + 1;
  if (length > maxLength && !truncate) throw new TextTooLongError("decide", name, { length, maxLength });
  if (markers.at(-1)! >= maxLength) {
    throw new TensorError("decide", `expected options within ${maxLength} tokens in ${name}, got more: ask of fewer`);
  }
  ids.push(...rest.subarray(0, room), sep);
  return { type: typeIds[question.type], ids: Int32Array.from(ids.slice(0, maxLength)), markers };
}

/** Options of at most 48 tokens; shorter ones where they leave the instructions no room. */
function fit(
  head: Int32Array,
  whole: readonly Int32Array[],
  room: number,
): { readonly head: Int32Array; readonly options: readonly Int32Array[] } {
  const left = (parts: readonly Int32Array[]): number => room - parts.reduce((sum, { length }) => sum + 1 + length, 0);
  let options = whole.map((option) => option.subarray(0, optionTokens));
  if (left(options) < leastInstructions) {
    const each = Math.max(4, Math.floor((room - leastInstructions) / options.length));
    options = options.map((option) => option.subarray(0, each - 1));
  }
  return { head: head.subarray(0, Math.max(8, left(options))), options };
}

/** JSON as Python's json.dumps writes it, which is what the models were trained on; a text as it is. */
export function stateText(state: Json): string {
  return typeof state === "string" ? state : jsonText(state);
}

function jsonText(value: Json): string {
  if (isList(value)) return `[${value.map(jsonText).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${jsonText(item)}`)
    .join(", ")}}`;
}

function isList<T>(value: T): value is Extract<T, readonly unknown[]> {
  return Array.isArray(value);
}
