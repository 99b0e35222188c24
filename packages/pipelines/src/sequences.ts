/** Texts to token sequences, and sequences to packs of bounded size. */
import { idsOf } from "@modernbert-ts/encoder";
import type { Sequence } from "@modernbert-ts/encoder";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { EncodeOptions as EncodeTokens, Encoding } from "@modernbert-ts/tokenizer";
import { InputError, TextTooLongError } from "./errors.ts";
import type { TextSide } from "./text-model.ts";

export interface EncodeOptions {
  /** Cut texts that are longer than the model's maximum; otherwise they are an error. */
  readonly truncate?: boolean;
  /** What errors call the text at an index; `text 0`, `text 1`, … by default. */
  readonly nameOf?: (index: number) => string;
}

export interface PackOptions {
  /** Tokens of one forward pass, default 8192. */
  readonly maxTokensPerPack?: number;
  /** Stops before the next pack, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The same for one input. */
export interface InputOptions extends Pick<EncodeOptions, "truncate"> {
  /** What errors call the input; `text 0` by default. */
  readonly name?: string;
  /** The side that `truncate` cuts off; the tokenizer's own by default. */
  readonly side?: "left" | "right";
}

/** A text, or its tokens, special ones included. */
export type TextInput = string | Sequence;

export type TextPair = readonly [text: string, pair: string];

/**
 * Tokens with special tokens, without padding, of a text behind the prompt. An empty text throws, as does one that is longer than the
 * model takes unless `truncate`, and one with a token beyond the model's vocabulary. What tokenizer.json says of padding and truncation
 * does not count. Tokens that are given stay as they are.
 */
export async function encodeText(
  text: TextSide,
  operation: string,
  input: TextInput | TextPair,
  options: InputOptions,
  prompt = "",
): Promise<Sequence> {
  if (typeof input !== "string" && !isPair(input)) return input;
  return sequenceOf(text, await encodeWithOffsets(text, operation, input, options, prompt));
}

function isPair(input: TextInput | TextPair): input is TextPair {
  return Array.isArray(input);
}

/** The encoding of a text, wherever it is made. */
export async function tokenize(
  { tokenizer, encode }: Pick<TextSide, "tokenizer" | "encode">,
  text: string,
  options: EncodeTokens,
): Promise<Encoding> {
  return encode ? encode(text, options) : tokenizer.encode(text, options);
}

/** What goes to the model of an encoding: token types where the model has them and they are not all 0. */
export function sequenceOf({ settings: { typeVocabSize } }: TextSide, encoding: Encoding): Sequence {
  const typed = typeVocabSize > 0 && encoding.stretches.some(({ typeId, length }) => typeId > 0 && length > 0);
  return typed ? { ids: encoding.ids, typeIds: Int32Array.from(encoding.typeIds) } : encoding.ids;
}

/**
 * The same as an encoding. Of a pair that is too long the longer text is cut, until both are equally long. Offsets, where they are wanted,
 * count UTF-16 units, as strings of JavaScript do.
 */
export async function encodeWithOffsets(
  side: TextSide,
  operation: string,
  input: string | TextPair,
  { truncate = false, name = "text 0", side: cutSide }: InputOptions,
  prompt = "",
  options: Pick<EncodeTokens, "offsets" | "truncation"> = {},
): Promise<Encoding> {
  const { maxLength, vocabSize, typeVocabSize } = side.settings;
  const [text, pair] = typeof input === "string" ? [input] : input;
  if (text === "" || pair === "") {
    throw new InputError(operation, "text", `expected text, got nothing in ${name}: leave it out or fill it`);
  }
  const encoding = await tokenize(side, prompt + text, {
    padding: false,
    truncation: truncate && { maxLength, ...(cutSide && { side: cutSide }) },
    ...(pair !== undefined && { pair }),
    ...options,
  });
  const { ids } = encoding;
  if (ids.length === 0) {
    throw new InputError(operation, "text", `expected text with a token in it, got none in ${name}: leave it out`);
  }
  if (ids.length > maxLength) {
    throw new TextTooLongError(operation, name, { length: ids.length, maxLength });
  }
  for (const part of [encoding, ...encoding.overflowing]) {
    const other = typeVocabSize > 0 && part.stretches.find(({ typeId }) => typeId >= typeVocabSize);
    if (other) {
      throw new TensorError(
        operation,
        `expected token types below ${typeVocabSize} (the model's type_vocab_size), got ${other.typeId} in ${name}, as the template in tokenizer.json says: ${pair === undefined ? "correct it" : "give single texts, or take a model for pairs"}`,
      );
    }
    const beyond = part.ids.find((id) => id >= vocabSize);
    if (beyond === undefined) continue;
    throw new InputError(
      operation,
      "text",
      `expected token ids below ${vocabSize} (the model's vocab_size), got ${beyond} for ${JSON.stringify(side.tokenizer.idToToken(beyond))} in ${name}: leave that token out`,
    );
  }
  return encoding;
}

/**
 * Runs `forward` on packs of at most `maxTokens` tokens (a longer sequence is a pack of its own) and returns its results in order.
 * Sequences are taken as they come, and each pack is read back before the next is queued, so memory stays bounded.
 * @throws what an aborted `signal` says.
 */
export async function inPacks<T>(
  sequences: Iterable<Sequence>,
  { maxTokensPerPack = defaultPackTokens, signal }: PackOptions,
  forward: (pack: readonly Sequence[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const results: T[] = [];
  let pack: Sequence[] = [];
  let tokens = 0;
  for (const sequence of sequences) {
    const { length } = idsOf(sequence);
    if (pack.length > 0 && tokens + length > maxTokensPerPack) {
      results.push(...(await forward(pack)));
      await abortPoint(signal);
      [pack, tokens] = [[], 0];
    }
    pack.push(sequence);
    tokens += length;
  }
  if (pack.length > 0) results.push(...(await forward(pack)));
  return results;
}

/** Lets other events in, such as the one that aborts. */
async function abortPoint(signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return;
  await new Promise((resolve) => setTimeout(resolve));
  signal.throwIfAborted();
}

/** Tokens per forward pass when the caller does not say. */
const defaultPackTokens = 8192;

/** The values as they are. @throws TensorError where one is NaN or infinite. */
export function requireFinite(operation: string, values: Float32Array): Float32Array {
  let sum = 0;
  for (const value of values) sum += value;
  if (Number.isFinite(sum)) return values;
  throw notFinite(operation);
}

/** The error of such values: in JSON they would become null. */
export function notFinite(operation: string): TensorError {
  return new TensorError(
    operation,
    "expected finite numbers from the model, got NaN or infinity: its weights are damaged or overflow in this dtype (try f32)",
  );
}
