/** Texts to token sequences and sequences to packs of bounded size. */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { TextModel } from "./text-model.ts";

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

/**
 * Token ids with special tokens, without padding, of each text behind the prompt. An empty text throws, as does one that is longer
 * than the model takes unless `truncate`, and one with a token beyond the model's vocabulary. What tokenizer.json says of padding and
 * truncation does not count.
 */
export function encodeTexts(
  { tokenizer, settings }: Pick<TextModel, "tokenizer" | "settings">,
  operation: string,
  texts: readonly string[],
  { truncate = false, nameOf = (index) => `text ${index}` }: EncodeOptions,
  prompt = "",
): Int32Array[] {
  const { maxLength, vocabSize } = settings;
  return texts.map((text, index) => {
    if (text === "") {
      throw new TensorError(operation, `expected text, got nothing in ${nameOf(index)}: leave it out or fill it`);
    }
    const { ids } = tokenizer.encode(prompt + text, { padding: false, truncation: truncate && { maxLength } });
    if (ids.length === 0) {
      throw new TensorError(operation, `expected text with a token in it, got none in ${nameOf(index)}: leave it out`);
    }
    if (ids.length > maxLength) {
      throw new TensorError(
        operation,
        `expected at most ${maxLength} tokens, got ${ids.length} in ${nameOf(index)}: shorten it or truncate`,
      );
    }
    const beyond = ids.find((id) => id >= vocabSize);
    if (beyond !== undefined) {
      throw new TensorError(
        operation,
        `expected token ids below ${vocabSize} (the model's vocab_size), got ${beyond} for ${JSON.stringify(tokenizer.idToToken(beyond))} in ${nameOf(index)}: leave that token out`,
      );
    }
    return ids;
  });
}

/**
 * Runs `forward` on packs of at most `maxTokens` tokens (a longer sequence is a pack of its own) and returns its results in order.
 * Sequences are taken as they come, and each pack is read back before the next is queued, so memory stays bounded.
 * @throws what an aborted `signal` says.
 */
export async function inPacks<T>(
  sequences: Iterable<Int32Array>,
  { maxTokensPerPack = defaultPackTokens, signal }: PackOptions,
  forward: (pack: readonly Int32Array[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const results: T[] = [];
  let pack: Int32Array[] = [];
  let tokens = 0;
  for (const sequence of sequences) {
    if (pack.length > 0 && tokens + sequence.length > maxTokensPerPack) {
      results.push(...(await forward(pack)));
      await abortPoint(signal);
      [pack, tokens] = [[], 0];
    }
    pack.push(sequence);
    tokens += sequence.length;
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
