/**
 * Late chunking (arXiv 2409.04701): a long text goes through the model once, and each part's vector is pooled from its own tokens, which
 * have seen the whole. Special tokens and the prompt are in no part.
 */
import { headNames } from "@modernbert-ts/encoder";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Encoding } from "@modernbert-ts/tokenizer";
import { chosenPrompt } from "../folder/prompts.ts";
import type { PromptOptions } from "../folder/prompts.ts";
import { encodeWithOffsets, sequenceOf } from "../sequences.ts";
import type { EncodeOptions, PackOptions } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import type { VectorOptions } from "./embed.ts";
import { vectorMaker } from "./embed.ts";
import { hiddenStates } from "./embed-tokens.ts";
import { readHeaders, withHeader } from "./header.ts";
import { poolRows } from "./pool-rows.ts";
import { runTask } from "./run-task.ts";
import type { Task } from "./task.ts";

/** Sentences, parts of so many tokens (the last may be shorter), or ranges [start, end) of the text in UTF-16 units. */
export type Chunking = "sentences" | { readonly tokens: number } | readonly (readonly [start: number, end: number])[];

export interface ChunkOptions extends VectorOptions, PromptOptions {
  /** Default: sentences. */
  readonly chunks?: Chunking;
}

export interface ChunkVector {
  /** The part of the text: [start, end) in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly vector: Float32Array;
}

const operation = "embedChunks";

/** A sequence carries the tokens of its parts: first and end of each. */
export const embedChunksTask: Task<string, ChunkOptions, readonly Float32Array[], readonly ChunkVector[]> = {
  name: operation,
  heads: headNames,

  async prepare(text, input, options) {
    const prompt = chosenPrompt(text.settings, options);
    const { name = "text 0" } = options;
    const whole = { ...options, name, truncate: false };
    const encoding = await encodeWithOffsets(text, operation, input, whole, prompt, { offsets: "utf16" });
    const places = placesIn(encoding, prompt.length);
    const { chunks = "sentences" } = options;
    const parts = partsOf(input, places, chunks).filter(({ tokens }) => tokens !== undefined || Array.isArray(chunks));
    const values = parts.flatMap(({ start, end, tokens }) => {
      if (tokens) return tokens;
      throw new TensorError(operation, `expected a token in each part of ${name}, got none from ${start} to ${end}`);
    });
    return {
      sequences: [withHeader(values, sequenceOf(text, encoding))],
      tokens: encoding.ids.length,
      join: ([vectors]) => parts.map(({ start, end }, index) => ({ start, end, vector: vectors![index]! })),
    };
  },

  async run(text, pack, options) {
    const { pooling, finish } = vectorMaker(text, options);
    if (pooling.some((mode) => mode === "cls" || mode === "lasttoken")) {
      throw new TensorError(
        operation,
        `expected a model that pools all tokens, got pooling ${pooling.join(" and ")}: parts have no such token, choose mean`,
      );
    }
    const { batch, headers } = readHeaders(pack);
    const rows = await hiddenStates(text, batch);
    const width = text.info.hiddenSize;
    return headers.map((header, index) =>
      Array.from({ length: header.length / 2 }, (_, part) => {
        const [from, to] = [header[2 * part]!, header[2 * part + 1]!].map((at) => at + batch.cuSeqlens[index]!);
        const own = rows.subarray(from! * width, to! * width);
        return finish(poolRows(own, width, Int32Array.of(0, to! - from!), pooling, 0)[0]!);
      }),
    );
  },

  transferable: (vectors) => vectors.map(({ buffer }) => buffer as ArrayBuffer),
};

/** Vectors of the parts of texts. @throws TensorError on a text that is longer than the model takes, and on a model that pools one token. */
export async function embedChunks(
  model: TextModel,
  texts: readonly string[],
  options: ChunkOptions & PackOptions & Pick<EncodeOptions, "nameOf"> = {},
): Promise<(readonly ChunkVector[])[]> {
  return runTask(embedChunksTask, model, texts, options);
}

/** A token of the text itself. */
interface Place {
  readonly token: number;
  readonly start: number;
  readonly end: number;
}

function placesIn({ offsets, specialTokensMask }: Encoding, promptLength: number): Place[] {
  return [...specialTokensMask.keys()].flatMap((token) => {
    const [start, end] = [offsets![2 * token]! - promptLength, offsets![2 * token + 1]! - promptLength];
    return specialTokensMask[token] === 1 || end <= 0 ? [] : [{ token, start: Math.max(0, start), end }];
  });
}

interface Part {
  readonly start: number;
  readonly end: number;
  /** First and end; undefined where no token begins in the part. */
  readonly tokens: readonly [number, number] | undefined;
}

function partsOf(text: string, places: readonly Place[], chunks: Chunking): Part[] {
  if (chunks === "sentences") return rangesOf(sentences(text), places);
  if ("tokens" in chunks) return byTokens(places, chunks.tokens);
  for (const [start, end] of chunks) {
    if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= text.length) continue;
    throw new TensorError(operation, `expected parts within 0 to ${text.length}, got ${start} to ${end}`);
  }
  return rangesOf(chunks, places);
}

function sentences(text: string): (readonly [number, number])[] {
  const segmenter = new Intl.Segmenter(undefined, { granularity: "sentence" });
  return Array.from(segmenter.segment(text), ({ index, segment }) => [index, index + segment.length] as const);
}

/** A token is in the part in which its last unit lies: a blank before a word belongs to the word. */
function rangesOf(ranges: readonly (readonly [number, number])[], places: readonly Place[]): Part[] {
  return ranges.map(([start, end]) => {
    const [first, behind] = [endingBy(places, start), endingBy(places, end)];
    const tokens = first < behind ? ([places[first]!.token, places[behind - 1]!.token + 1] as const) : undefined;
    return { start, end, tokens };
  });
}

/** How many of the places, which are in the order of the text, end at or before `unit`. */
function endingBy(places: readonly Place[], unit: number): number {
  let [from, to] = [0, places.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (places[middle]!.end <= unit) from = middle + 1;
    else to = middle;
  }
  return from;
}

function byTokens(places: readonly Place[], size: number): Part[] {
  if (!Number.isInteger(size) || size < 1) {
    throw new TensorError(operation, `expected a positive whole number of tokens per part, got ${size}`);
  }
  return Array.from({ length: Math.ceil(places.length / size) }, (_, part) => {
    const own = places.slice(part * size, (part + 1) * size);
    const [first, last] = [own[0]!, own.at(-1)!];
    return { start: first.start, end: last.end, tokens: [first.token, last.token + 1] };
  });
}
