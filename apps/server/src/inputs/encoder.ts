/**
 * Inputs to token sequences of bounded length: lengths are known before batches are formed. Short ones on the HTTP thread, where the
 * event loop gets its turn between inputs; long ones in threads of their own.
 */
import { TokenizerError } from "@modernbert-ts/tokenizer";
import type { EncodeOptions, Encoding, Tokenizer } from "@modernbert-ts/tokenizer";
import { ServeError } from "../errors.ts";
import { inTurns } from "../in-turns.ts";
import type { Input } from "./read-inputs.ts";
import { TokenizerThreads } from "./tokenizer-threads.ts";

export interface EncodeSettings {
  /** Cut what is too long; otherwise it is an error. */
  readonly truncate: boolean;
  /** The side that loses tokens. */
  readonly side: "left" | "right";
  /** Put before texts; token ids stay as they are. */
  readonly prompt: string | undefined;
}

/** Text beyond this many characters per token cannot matter, and is not looked at. */
const maxCharactersPerToken = 250;
/** UTF-16 units of a request from which its texts go to other threads: some 5 ms of work, where the way there costs a tenth. */
const unitsForThreads = 50_000;

export type Tokenise = (text: string, options: EncodeOptions) => Promise<Encoding>;

export class Encoder {
  readonly #tokenizer: Tokenizer;
  readonly #maxLength: number;
  readonly #vocabSize: number;
  readonly #threads: TokenizerThreads | undefined;

  /**
   * @param vocabSize rows of the model: a tokenizer may know more ids
   * @param workers threads for long texts; 0 for none
   */
  constructor(tokenizer: Tokenizer, maxInputLength: number, vocabSize: number, workers = 0) {
    this.#threads = workers > 0 ? new TokenizerThreads(tokenizer, workers) : undefined;
    this.#vocabSize = vocabSize;
    this.#tokenizer = tokenizer;
    this.#maxLength = maxInputLength;
  }

  /** Token ids with special tokens. @throws ServeError 422 for an input that is too long and not to be truncated. */
  async encode(inputs: readonly Input[], settings: EncodeSettings, signal: AbortSignal): Promise<Int32Array[]> {
    const given = inputs.map((input) => (typeof input === "string" ? this.#shorten(input, settings) : input));
    const { truncate, side } = settings;
    const truncation = truncate ? { maxLength: this.#maxLength, side } : false;
    const finish = (ids: Int32Array): Int32Array => this.#known(this.#fit(ids, settings));
    const texts = given.filter((input) => typeof input === "string");
    const units = texts.reduce((sum, text) => sum + text.length, 0);
    try {
      if (!this.#threads || units < unitsForThreads) {
        const encode = (text: string): Int32Array => this.#tokenizer.encode(text, { truncation, padding: false }).ids;
        const one = (input: Input): Int32Array => finish(typeof input === "string" ? encode(input) : input);
        return await inTurns(given, one, signal);
      }
      const encoded = (await this.#threads.encode(texts, { truncation, padding: false }, signal)).values();
      return given.map((input) => finish(typeof input === "string" ? encoded.next().value!.ids : input));
    } catch (error) {
      if (error instanceof TokenizerError) throw new ServeError("Tokenizer", error.message, { cause: error });
      throw error;
    }
  }

  /** How the texts of a request, which holds `inputs`, are tokenised: undefined where they are short, and the tokenizer does it at once. */
  inThreads(inputs: unknown, signal: AbortSignal): Tokenise | undefined {
    const threads = this.#threads;
    if (!threads || unitsOf(inputs) < unitsForThreads) return undefined;
    return async (text, { pair, ...options }) => {
      const [encoding] = await threads.encode([pair === undefined ? text : [text, pair]], options, signal);
      return encoding!;
    };
  }

  async close(): Promise<void> {
    await this.#threads?.close();
  }

  /** The prompt and as much of the text as can matter. */
  #shorten(input: string, { truncate, side, prompt = "" }: EncodeSettings): string {
    const text = prompt + input;
    const most = this.#maxLength * maxCharactersPerToken;
    if (text.length <= most) return text;
    if (!truncate) throw this.#tooLong(`more than ${this.#maxLength}`);
    return cut(text, most, side);
  }

  #fit(ids: Int32Array, { truncate, side }: EncodeSettings): Int32Array {
    if (ids.length === 0) throw new ServeError("Validation", "`inputs` has a text without any token");
    if (ids.length <= this.#maxLength) return ids;
    if (!truncate) throw this.#tooLong(String(ids.length));
    return side === "right" ? ids.subarray(0, this.#maxLength) : ids.subarray(-this.#maxLength);
  }

  #known(ids: Int32Array): Int32Array {
    const beyond = ids.find((id) => id >= this.#vocabSize);
    if (beyond === undefined) return ids;
    const token = JSON.stringify(this.#tokenizer.idToToken(beyond));
    const message = `\`inputs\` has the token ${token} with id ${beyond}, but the model's token ids end at ${this.#vocabSize - 1}`;
    throw new ServeError("Validation", message);
  }

  #tooLong(given: string): ServeError {
    return new ServeError("Validation", `\`inputs\` must have less than ${this.#maxLength} tokens. Given: ${given}`);
  }
}

/** UTF-16 units of all texts in it. */
function unitsOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, part) => sum + unitsOf(part), 0);
}

/** At most `length` UTF-16 units of one side, without half a character. */
function cut(text: string, length: number, side: "left" | "right"): string {
  const kept = side === "right" ? text.slice(0, length) : text.slice(-length);
  return side === "right" ? kept.replace(/\p{Surrogate}$/u, "") : kept.replace(/^\p{Surrogate}/u, "");
}
