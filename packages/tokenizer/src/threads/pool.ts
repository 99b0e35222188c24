/**
 * A pool of workers for large batches. Sending texts and results between threads costs time and starting workers costs
 * more, so small batches are encoded right here, and workers start with the first batch that is worth it.
 */
import { Encoding, type EncodingMessage } from "../encoding/encoding.ts";
import { TokenizerError } from "../errors.ts";
import type { Port } from "./port.ts";
import { hardwareThreads, startWorker } from "./threads.ts";
import type { EncodeOptions, TextOrPair } from "../encoding/encode-options.ts";
import type { Tokenizer } from "../tokenizer.ts";

/** What a worker is told, in order: a tokenizer.json and tokenizer_config.json, then texts. */
export type PoolRequest =
  | { readonly json: string; readonly tokenizerConfig: object }
  | { readonly job: number; readonly texts: readonly TextOrPair[]; readonly options: EncodeOptions };

export type PoolReply =
  | { readonly ready: true }
  | { readonly job: number; readonly encodings: readonly EncodingMessage[] }
  | { readonly job: number; readonly error: string };

export interface PoolOptions {
  /**
   * Number of workers. Default: one less than the machine has threads, at most 8, and none where that leaves one. Asked
   * for, a single worker keeps the calling thread free.
   */
  readonly workers?: number;
  /** Batches of fewer UTF-16 units in all are encoded without workers. Default 1,000,000 (some 30 ms of work). */
  readonly minUnits?: number;
  /** Gets the notice that no worker starts here, so that this thread does all the work; default: console.warn. */
  readonly onNotice?: (notice: string) => void;
}

declare const console: { warn(notice: string): void };

/** Units of text in one job: small enough to share out evenly, large enough to pay for the way. */
const JOB_UNITS = 250_000;

interface Job {
  readonly request: Extract<PoolRequest, { readonly job: number }>;
  readonly resolve: (encodings: readonly EncodingMessage[]) => void;
  readonly reject: (error: Error) => void;
}

export class TokenizerPool {
  readonly #tokenizer: Tokenizer;
  readonly #size: number;
  readonly #onNotice: (notice: string) => void;
  #minUnits: number;
  #workers: Port[] = [];
  #idle: Port[] = [];
  readonly #waiting: Job[] = [];
  readonly #running: Map<number, Job> = new Map();
  #jobs = 0;
  #closed = false;
  /** Whether any worker has started. */
  #started = false;

  constructor(tokenizer: Tokenizer, options: PoolOptions = {}) {
    this.#tokenizer = tokenizer;
    this.#onNotice = options.onNotice ?? ((notice) => console.warn(notice));
    this.#size = options.workers ?? Math.min(8, Math.max(1, hardwareThreads() - 1));
    // One worker is no faster than none, so it has to be asked for.
    const pays = options.workers !== undefined || this.#size > 1;
    this.#minUnits = options.minUnits ?? (pays ? 1_000_000 : Infinity);
    if (!Number.isInteger(this.#size) || this.#size < 1) {
      throw new TokenizerError(
        `[createTokenizerPool] expected workers to be an integer of at least 1, got ${this.#size}`,
      );
    }
  }

  /**
   * As `Tokenizer.encodeBatch`, with the work shared out when the batch is large enough.
   * @throws TokenizerError as there, and when the pool is closed.
   */
  async encodeBatch(texts: readonly TextOrPair[], options: EncodeOptions = {}): Promise<Encoding[]> {
    if (this.#closed) throw new TokenizerError("[encodeBatch] expected an open pool, got a closed one");
    const units = texts.reduce((sum, text) => sum + unitsOf(text), 0);
    if (units < this.#minUnits) return this.#tokenizer.encodeBatch(texts, options);
    const parts = shareOut(texts).map((part) => this.#submit(part, { ...options, padding: false }));
    const encodings = (await Promise.all(parts)).flat().map((message) => this.#received(message));
    return this.#tokenizer.pad(encodings, options.padding);
  }

  /** Ends the workers; what they have not finished is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#fail(new TokenizerError("[encodeBatch] expected the pool to stay open, got closed"));
    await Promise.all(this.#workers.map((worker) => worker.close()));
    this.#workers = [];
  }

  #submit(texts: readonly TextOrPair[], options: EncodeOptions): Promise<readonly EncodingMessage[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request: { job: this.#jobs++, texts, options }, resolve, reject });
      if (this.#minUnits === Infinity) this.#encodeHere();
      else if (this.#workers.length === 0) this.#start();
      this.#dispatch();
    });
  }

  #start(): void {
    const told = { json: JSON.stringify(this.#tokenizer), tokenizerConfig: this.#tokenizer.toConfigJSON() };
    try {
      for (let i = 0; i < this.#size; i++) {
        const worker = startWorker();
        this.#workers.push(worker);
        worker.onMessage((reply) => this.#hear(worker, reply as PoolReply));
        worker.onError((error) => (this.#started ? this.#fail(error) : this.#withoutWorkers(error)));
        worker.post(told satisfies PoolRequest, []);
      }
    } catch (error) {
      return this.#withoutWorkers(error as Error);
    }
    this.#idle = [...this.#workers];
  }

  /** No worker starts: bundlers that know no workers leave their file behind, and pages may forbid them. */
  #withoutWorkers(error: Error): void {
    if (this.#closed || this.#minUnits === Infinity) return;
    this.#minUnits = Infinity;
    this.#onNotice(`The tokenizer pool encodes on this thread, because its workers do not start: ${error.message}`);
    for (const worker of this.#workers) void worker.close();
    [this.#workers, this.#idle] = [[], []];
    this.#waiting.unshift(...this.#running.values());
    this.#running.clear();
    this.#encodeHere();
  }

  #encodeHere(): void {
    for (const { request, resolve, reject } of this.#waiting.splice(0)) {
      try {
        resolve(this.#tokenizer.encodeBatch(request.texts, request.options).map((encoding) => encoding.toMessage()));
      } catch (error) {
        reject(error as Error);
      }
    }
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && this.#idle.length > 0) {
      const job = this.#waiting.shift()!;
      this.#running.set(job.request.job, job);
      this.#idle.pop()!.post(job.request, []);
    }
  }

  #hear(worker: Port, reply: PoolReply): void {
    this.#started = true;
    if ("ready" in reply) return;
    const job = this.#running.get(reply.job);
    this.#running.delete(reply.job);
    this.#idle.push(worker);
    if ("error" in reply) job?.reject(new TokenizerError(reply.error));
    else job?.resolve(reply.encodings);
    this.#dispatch();
  }

  #fail(error: Error): void {
    for (const job of [...this.#running.values(), ...this.#waiting.splice(0)]) job.reject(error);
    this.#running.clear();
  }

  #received(message: EncodingMessage): Encoding {
    const overflowing = message.overflowing.map((part) => this.#received(part));
    return new Encoding({ ...message, overflowing, idToToken: (id) => this.#tokenizer.idToToken(id) });
  }
}

/**
 * A pool that encodes large batches on several threads. Close it when done.
 * @throws TokenizerError on a number of workers below 1.
 */
export function createTokenizerPool(tokenizer: Tokenizer, options: PoolOptions = {}): TokenizerPool {
  return new TokenizerPool(tokenizer, options);
}

const unitsOf = (text: TextOrPair): number =>
  typeof text === "string" ? text.length : text[0].length + text[1].length;

function shareOut(texts: readonly TextOrPair[]): TextOrPair[][] {
  const parts: TextOrPair[][] = [];
  let room = 0;
  for (const text of texts) {
    if (room <= 0) {
      parts.push([]);
      room = JOB_UNITS;
    }
    parts.at(-1)!.push(text);
    room -= unitsOf(text);
  }
  return parts;
}
