/**
 * The forms that `inputs` (TEI) and `input` (OpenAI) can take: a text, token ids, or a list of texts and lists of token ids.
 * By hand and not by schema: bodies hold up to a million numbers, and the first thing wrong is enough.
 */
import { ServeError, UnreadableError } from "../errors.ts";

/** A text, or token ids as they go to the model. */
export type Input = string | Int32Array;

export interface InputRules {
  /** The field's name, for messages. */
  readonly field: string;
  readonly vocabSize: number;
  readonly maxClientBatchSize: number;
}

/** @throws ServeError 400 when there is nothing to compute, 422 for everything else that does not fit. */
export function readInputs(value: unknown, rules: InputRules): Input[] {
  if (!Array.isArray(value)) return [readInput(value, rules.field, rules)];
  if (value.length === 0) throw empty(rules);
  if (typeof value[0] === "number") return [readIds(value, rules.field, rules)];
  checkBatchSize(value.length, rules.maxClientBatchSize);
  return value.map((item, index) => readInput(item, `${rules.field}[${index}]`, rules));
}

/** Token ids, or a list of lists of them. */
export function readIdLists(value: unknown, rules: InputRules): Int32Array[] {
  const list: unknown = Array.isArray(value) && Array.isArray(value[0]) ? value : [value];
  checkBatchSize((list as unknown[]).length, rules.maxClientBatchSize);
  return (list as unknown[]).map((item) => {
    if (Array.isArray(item)) return readIds(item, rules.field, rules);
    throw mistyped(rules.field, "token ids or a list of lists of them", item);
  });
}

/** Texts only. */
export function readTexts(value: unknown, rules: Omit<InputRules, "vocabSize">): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw empty(rules);
  checkBatchSize(list.length, rules.maxClientBatchSize);
  return list.map((item, index) => {
    if (typeof item === "string") return readText(item, `${rules.field}[${index}]`, rules);
    throw mistyped(rules.field, "a string or a list of strings", item);
  });
}

export function checkBatchSize(size: number, most: number): void {
  if (size > most) throw new ServeError("Validation", `batch size ${size} > maximum allowed batch size ${most}`);
}

function readInput(value: unknown, place: string, rules: InputRules): Input {
  if (typeof value === "string") return readText(value, place, rules);
  if (Array.isArray(value)) return readIds(value, place, rules);
  throw mistyped(place, "a string, token ids, or a list of these", value);
}

export function readText(text: string, place: string, rules: Pick<InputRules, "field">): string {
  if (text === "") throw empty(rules);
  if (/\p{Surrogate}/u.test(text)) {
    throw UnreadableError.noJson(`\`${place}\` has a lone surrogate, which is no Unicode text`);
  }
  return text;
}

function readIds(values: readonly unknown[], place: string, rules: InputRules): Int32Array {
  if (values.length === 0) throw empty(rules);
  const ids = new Int32Array(values.length);
  for (const [index, id] of values.entries()) {
    if (typeof id !== "number" || !Number.isInteger(id)) throw mistyped(`${place}[${index}]`, "a token id", id);
    if (id < 0) throw mistyped(`${place}[${index}]`, "a token id", id);
    if (id >= rules.vocabSize) {
      throw new ServeError(
        "Validation",
        `\`${place}[${index}]\` is ${id}, but token ids go from 0 to ${rules.vocabSize - 1} in this model`,
      );
    }
    ids[index] = id;
  }
  return ids;
}

export function empty({ field }: Pick<InputRules, "field">): ServeError {
  return new ServeError("Empty", `\`${field}\` cannot be empty`);
}

export function mistyped(place: string, expected: string, value: unknown): UnreadableError {
  const kind = value === undefined ? "nothing" : value === null ? "null" : typeof value;
  const got = Array.isArray(value) ? "a list" : kind === "number" ? String(value) : kind;
  return UnreadableError.mistyped(`\`${place}\` should be ${expected}, got ${got}`);
}
