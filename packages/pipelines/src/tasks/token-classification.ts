/** Token classification: entities in texts, with their offsets, in the shape of transformers' token-classification pipeline. */
import { tokenClassificationLogits } from "@modernbert-ts/encoder";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Encoding } from "@modernbert-ts/tokenizer";
import { encodeWithOffsets, sequenceOf } from "../sequences.ts";
import type { EncodeOptions, InputOptions, PackOptions, TextPair } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { group, withoutOverlap, wordLabels } from "./entities.ts";
import type { Aggregation, Entity, LabelledToken } from "./entities.ts";
import { softmax } from "./ranking.ts";
import { readLogits } from "./read-logits.ts";
import { runTask } from "./run-task.ts";
import type { Task, TextSide } from "./task.ts";
import { isSubword, rangeOf } from "./words.ts";

/** A text, a pair, or words, which are read with a blank between them. */
export type TokenInput = string | TextPair | { readonly words: readonly string[] };

export interface TokenClassificationOptions {
  /**
   * How tokens become entities. "none" (the default): each token by itself. "simple": neighbours of one label, parted at B-. The others
   * give each word one label first: that of its "first" token, of the "average" of its tokens, or of the token that is surest ("max").
   */
  readonly aggregationStrategy?: Aggregation;
  /** Labels that are left out. Default "O". */
  readonly ignoreLabels?: readonly string[];
  /** A text that is too long is read in windows that share so many tokens; not with "none", nor of pairs. */
  readonly stride?: number;
  /** With "first", "average" and "max": each word by itself, with its `index`. Default false. */
  readonly perWord?: boolean;
}

const operation = "classifyTokens";

/** An output is the logits of a sequence's tokens, one after another [T, C]. */
export const tokenClassificationTask: Task<TokenInput, TokenClassificationOptions, Float32Array, readonly Entity[]> = {
  name: operation,
  heads: ["token-classification"],
  async prepare(text, input, options) {
    const texts = textsOf(input);
    const windows = await windowsOf(text, texts, options);
    const starts = typeof input === "object" && "words" in input ? startsOf(input.words) : undefined;
    return {
      sequences: windows.map((window) => sequenceOf(text, window)),
      join(logits) {
        const found = windows.flatMap((window, at) =>
          entitiesOf(text, labelledTokens(text, texts, window, logits[at]!, starts), options),
        );
        return windows.length > 1 ? withoutOverlap(found) : found;
      },
    };
  },
  async run(text, pack) {
    const values = await readLogits(operation, text, pack, (model, hidden) => tokenClassificationLogits(model, hidden));
    const classes = text.info.labels.length;
    const at = (token: number): number => token * classes;
    return Array.from(pack.cuSeqlens.subarray(1), (end, index) => values.slice(at(pack.cuSeqlens[index]!), at(end)));
  },
  transferable: ({ buffer }) => [buffer as ArrayBuffer],
};

/**
 * Entities of each text in the order of the text. Offsets count UTF-16 units, as strings of JavaScript do: `text.slice(start, end)`. Of a
 * pair, entities say which text they are in.
 * @throws TensorError on an empty text, one that is too long without `stride` or `truncate`, and options that do not go together.
 */
export async function classifyTokens(
  model: TextModel,
  inputs: readonly TokenInput[],
  options: TokenClassificationOptions & EncodeOptions & PackOptions = {},
): Promise<(readonly Entity[])[]> {
  return runTask(tokenClassificationTask, model, inputs, options);
}

function textsOf(input: TokenInput): readonly [string] | TextPair {
  if (typeof input === "string") return [input];
  return "words" in input ? [input.words.join(" ")] : input;
}

/** Where each word begins in the text that is made of them. */
function startsOf(words: readonly string[]): ReadonlySet<number> {
  const starts = new Set<number>();
  let at = 0;
  for (const word of words) {
    starts.add(at);
    at += word.length + 1;
  }
  return starts;
}

async function windowsOf(
  text: TextSide,
  texts: readonly [string] | TextPair,
  options: TokenClassificationOptions & InputOptions,
): Promise<Encoding[]> {
  const { stride, aggregationStrategy = "none", perWord = false, truncate = false } = options;
  const [first, second] = texts;
  if (perWord && !["first", "average", "max"].includes(aggregationStrategy)) {
    throw new TensorError(
      operation,
      `expected aggregationStrategy first, average or max with perWord, got ${aggregationStrategy}`,
    );
  }
  if (stride !== undefined && (aggregationStrategy === "none" || second !== undefined)) {
    const got = second === undefined ? "aggregationStrategy none" : "a pair";
    throw new TensorError(
      operation,
      `expected one text and an aggregationStrategy other than none with stride, got ${got}`,
    );
  }
  const { maxLength } = text.settings;
  const room = maxLength - text.tokenizer.encode("", { padding: false, truncation: false }).length;
  if (stride !== undefined && !(Number.isInteger(stride) && stride >= 0 && stride < room)) {
    throw new TensorError(operation, `expected a stride from 0 to ${room - 1}, got ${stride}`);
  }
  const input = second === undefined ? first : ([first, second] as const);
  const truncation = stride === undefined ? truncate && { maxLength } : { maxLength, stride };
  const whole = await encodeWithOffsets(text, operation, input, options, "", { offsets: "utf16", truncation });
  return stride === undefined ? [whole] : [whole, ...whole.overflowing];
}

/** The tokens of a window that stand for text. @param starts where words begin, where that is known. */
function labelledTokens(
  { tokenizer, info }: TextSide,
  texts: readonly string[],
  window: Encoding,
  logits: Float32Array,
  starts: ReadonlySet<number> | undefined,
): LabelledToken[] {
  const classes = info.labels.length;
  const parts = window.sequenceIds;
  return [...window.ids.keys()].flatMap((index) => {
    const part = parts[index]!;
    if (part === -1) return [];
    const id = window.ids[index]!;
    const text = texts[part]!;
    const range = rangeOf(window, index);
    const slice = text.slice(...range);
    if (starts && slice.trim() === "") return []; // the blank between two words
    return {
      index,
      id,
      part,
      start: range[0],
      end: range[1],
      word: id === tokenizer.specialTokens.unk ? slice : window.tokens[index]!,
      scores: softmax(logits.subarray(index * classes, (index + 1) * classes)),
      subword: starts ? !starts.has(range[1] - slice.trimStart().length) : isSubword(tokenizer, id, text, range),
    };
  });
}

function entitiesOf(text: TextSide, tokens: readonly LabelledToken[], options: TokenClassificationOptions): Entity[] {
  const { aggregationStrategy = "none", ignoreLabels = ["O"], perWord = false } = options;
  const { labels } = text.info;
  const ignored = (label: string): boolean => ignoreLabels.includes(label);
  return [0, 1].flatMap((part) => {
    const own = tokens.filter((token) => token.part === part);
    const labelled = wordLabels(own, labels, aggregationStrategy);
    const found = aggregationStrategy === "none" || perWord ? labelled : group(labelled);
    const entities = found.map((one) => describe(text, one, aggregationStrategy !== "none"));
    const several = tokens.some((token) => token.part === 1);
    return entities
      .filter(({ entity, entity_group }) => !ignored((entity ?? entity_group)!))
      .map((entity) => (several ? { ...entity, text_index: part } : entity));
  });
}

/** What people see of a label's tokens. */
function describe(
  { tokenizer }: TextSide,
  { label, entity, score, tokens }: ReturnType<typeof group>[number],
  decoded: boolean,
): Entity {
  const [first, last] = [tokens[0]!, tokens.at(-1)!];
  const { unk } = tokenizer.specialTokens;
  const word = tokens.some(({ id }) => id === unk)
    ? tokens.map((token) => token.word).join("")
    : tokenizer.decode(
        tokens.map(({ id }) => id),
        { skipSpecialTokens: false },
      );
  return {
    ...(entity ? { entity: label, index: first.index } : { entity_group: label }),
    score,
    word: decoded ? word : first.word,
    start: first.start,
    end: last.end,
  };
}
