/** Tokenising in other threads, so that long texts do not hold up the HTTP thread. Threads start with the first text that is long. */
import { createTokenizerPool, TokenizerError } from "@modernbert-ts/tokenizer";
import type { EncodeOptions, Encoding, TextOrPair, Tokenizer, TokenizerPool } from "@modernbert-ts/tokenizer";
import { ServeError } from "../errors.ts";

export class TokenizerThreads {
  readonly #tokenizer: Tokenizer;
  readonly #workers: number;
  #pool: TokenizerPool | undefined;

  constructor(tokenizer: Tokenizer, workers: number) {
    this.#tokenizer = tokenizer;
    this.#workers = workers;
  }

  /** The encoding of each text or pair. @throws TokenizerError, ServeError 503 when a thread died, or what `signal` aborts with */
  async encode(texts: readonly TextOrPair[], options: EncodeOptions, signal: AbortSignal): Promise<Encoding[]> {
    const pool = (this.#pool ??= createTokenizerPool(this.#tokenizer, { workers: this.#workers, minUnits: 0 }));
    let abort!: () => void;
    const aborted = new Promise<never>((_, reject) => (abort = () => reject(signal.reason as Error)));
    signal.addEventListener("abort", abort);
    try {
      return await Promise.race([pool.encodeBatch(texts, options), aborted]);
    } catch (error) {
      if (error instanceof TokenizerError || signal.aborted) throw error;
      this.#pool = undefined; // a thread died, and the others with it
      void pool.close();
      throw new ServeError("Unhealthy", `a tokenising thread ended: ${(error as Error).message}`, { retryAfter: 1 });
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async close(): Promise<void> {
    await this.#pool?.close();
  }
}
