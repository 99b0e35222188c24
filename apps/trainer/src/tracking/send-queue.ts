/**
 * What is sent to a server beside training: entries gather, and one request at a time takes all that came meanwhile. Nobody waits for it. A
 * server that fails again and again, or falls behind for too long, gets no more.
 */

export interface SendQueueOptions<Entry> {
  /** Sends some entries, in order; rejects when the server did not take them. */
  readonly send: (entries: readonly Entry[], signal: AbortSignal) => Promise<void>;
  /** Entries of one request. */
  readonly batch: number;
  /** Called once, when the queue gives up. */
  readonly onFailure: (error: Error) => void;
  /** Milliseconds before each new try of a request (default 1, 5 and 20 s). */
  readonly pauses?: readonly number[];
  /** Milliseconds that a request may take (default 10 s). */
  readonly timeout?: number;
  /** Milliseconds from one request to the next, for servers that count them (default 0). */
  readonly interval?: number;
}

/** More entries than this are not kept for a server that is slow. */
const most = 100_000;

export class SendQueue<Entry> {
  readonly #options: SendQueueOptions<Entry>;
  #waiting: Entry[] = [];
  #sending: Promise<void> | undefined;
  #failed = false;
  #ending = false;
  #wake: (() => void) | undefined;

  constructor(options: SendQueueOptions<Entry>) {
    this.#options = options;
  }

  add(entries: readonly Entry[]): void {
    if (this.#failed) return;
    this.#waiting.push(...entries);
    if (this.#waiting.length > most) this.#fail(new Error("it falls behind: more than it takes is waiting"));
    else this.#sending ??= this.#drain();
  }

  /** Waits until all is sent, at most so many milliseconds. */
  async close(limit: number): Promise<void> {
    this.#ending = true;
    this.#wake?.();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#fail(new Error("it did not take the last numbers in time"));
        resolve();
      }, limit);
    });
    await Promise.race([this.#sending, late]);
    clearTimeout(timer);
  }

  async #drain(): Promise<void> {
    // Entries that are added in this turn go together.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#failed) {
      const entries = this.#waiting.slice(0, this.#options.batch);
      try {
        await this.#try(entries);
        this.#waiting = this.#waiting.slice(entries.length);
        await this.#pause(this.#options.interval ?? 0);
      } catch (error) {
        this.#fail(error as Error);
      }
    }
    this.#sending = undefined;
  }

  async #try(entries: readonly Entry[]): Promise<void> {
    const { send, pauses = [1000, 5000, 20_000], timeout = 10_000 } = this.#options;
    for (const pause of [...pauses, undefined]) {
      try {
        await send(entries, AbortSignal.timeout(timeout));
        return;
      } catch (error) {
        // At the end of a run nobody waits for another try.
        if (pause === undefined || this.#ending || this.#failed) throw error;
        await this.#pause(pause);
      }
    }
  }

  /** Ends early when the run does. */
  async #pause(milliseconds: number): Promise<void> {
    if (milliseconds === 0 || this.#ending) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, milliseconds).unref();
    });
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#waiting = [];
    this.#options.onFailure(error);
  }
}
