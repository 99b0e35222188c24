/**
 * The queue between requests and the model. There is no wait window: an idle model takes what is there, and what arrives meanwhile
 * forms the next batch. Callers that go away are taken out; members of a batch that fails are tried again one by one, so that
 * one bad sequence fails alone.
 */
import { packSequences } from "@modernbert-ts/encoder";
import type { TaskName } from "@modernbert-ts/pipelines";
import { ServeError } from "../errors.ts";
import { BatchFailedError } from "../model/model-worker.ts";
import type { ModelWorker } from "../model/model-worker.ts";
import type { Task, TaskResult } from "../model/protocol.ts";
import { takeBatch } from "./take-batch.ts";
import type { BatchLimits, Packable } from "./take-batch.ts";

export interface Timed<R> {
  readonly result: R;
  /** Milliseconds in the queue, and in the model. */
  readonly queued: number;
  readonly computed: number;
}

interface Job extends Packable {
  readonly task: Task;
  readonly ids: Int32Array;
  readonly arrived: number;
  alone: boolean;
  /** Nobody waits for it any more. */
  dropped: boolean;
  readonly resolve: (timed: Timed<TaskResult>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A batch is kept to about so much work (ms), within the token budget: on a slow device a larger one is no faster per token and
 * only makes the next request wait.
 */
const batchTime = 1_000;
/** Tokens that any device takes at once. */
const leastTokens = 512;

export class Scheduler {
  readonly #worker: Pick<ModelWorker, "run" | "state">;
  readonly #limits: BatchLimits;
  readonly #queue: Job[] = [];
  /** The batch that the model is computing. */
  #running: readonly Job[] = [];
  #scheduled = false;
  /** Exponential mean of the model's speed, tokens per ms. */
  #speed: number | undefined;

  constructor(worker: Pick<ModelWorker, "run" | "state">, limits: BatchLimits) {
    this.#worker = worker;
    this.#limits = limits;
  }

  /** Seconds until what waits now is done, from 1 to 60. */
  estimateWait(): number {
    const waiting = this.#queue.reduce((sum, { tokens }) => sum + tokens, 0);
    const seconds = this.#speed ? Math.ceil(waiting / this.#speed / 1000) : 1;
    return Math.min(60, Math.max(1, seconds));
  }

  /**
   * Computes `task` for each sequence. When `signal` aborts, or one of the sequences fails, those that still wait are dropped and
   * the promise rejects.
   */
  async run<N extends TaskName>(
    task: Task<N>,
    sequences: readonly Int32Array[],
    signal: AbortSignal,
  ): Promise<Timed<TaskResult<N>>[]> {
    signal.throwIfAborted();
    const jobs: Job[] = [];
    const key = JSON.stringify(task);
    const arrived = performance.now();
    const answers = sequences.map(
      (ids) =>
        new Promise<Timed<TaskResult>>((resolve, reject) =>
          jobs.push({
            task: task as Task,
            key,
            ids,
            arrived,
            tokens: ids.length,
            alone: false,
            dropped: false,
            skipped: 0,
            resolve,
            reject,
          }),
        ),
    );
    this.#queue.push(...jobs);
    this.schedule();
    let abort!: () => void;
    const aborted = new Promise<never>((_, reject) => (abort = () => reject(signal.reason as Error)));
    signal.addEventListener("abort", abort);
    try {
      return (await Promise.race([Promise.all(answers), aborted])) as Timed<TaskResult<N>>[];
    } finally {
      signal.removeEventListener("abort", abort);
      this.#drop(jobs);
    }
  }

  /** Looks again whether the model can take a batch: to be called when it has become ready. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Requests that the event loop has already received join the batch, and callers that an answer sends away leave it.
    setImmediate(() => {
      this.#scheduled = false;
      this.#next();
    });
  }

  /** Fails everything that waits or is being computed. */
  rejectAll(error: Error): void {
    for (const { reject } of [...this.#running, ...this.#queue.splice(0)]) reject(error);
  }

  #drop(jobs: readonly Job[]): void {
    for (const job of jobs) {
      job.dropped = true;
      const at = this.#queue.indexOf(job);
      if (at !== -1) this.#queue.splice(at, 1);
    }
  }

  #next(): void {
    if (this.#running.length > 0 || this.#worker.state !== "ready") return;
    const batch = takeBatch(this.#queue, { ...this.#limits, maxTokens: this.#budget() });
    if (batch.length === 0) return;
    this.#running = batch;
    void this.#compute(batch).finally(() => {
      this.#running = [];
      this.schedule();
    });
  }

  #budget(): number {
    const { maxTokens } = this.#limits;
    if (this.#speed === undefined) return maxTokens;
    return Math.min(maxTokens, Math.max(leastTokens, this.#speed * batchTime));
  }

  async #compute(batch: readonly Job[]): Promise<void> {
    const started = performance.now();
    try {
      const pack = packSequences(batch.map(({ ids }) => ids));
      const tokens = pack.ids.length;
      const results = await this.#worker.run(batch[0]!.task, pack);
      const computed = performance.now() - started;
      const speed = tokens / Math.max(computed, 0.001);
      this.#speed = this.#speed === undefined ? speed : 0.9 * this.#speed + 0.1 * speed;
      batch.forEach((job, index) => job.resolve({ result: results[index]!, queued: started - job.arrived, computed }));
    } catch (error) {
      this.#failed(batch, error as Error);
    }
  }

  #failed(batch: readonly Job[], error: Error): void {
    if (!(error instanceof BatchFailedError)) {
      for (const { reject } of batch)
        reject(new ServeError("Unhealthy", error.message, { cause: error, retryAfter: 5 }));
    } else if (batch.length === 1) {
      batch[0]!.reject(new ServeError("Backend", error.message, { cause: error }));
    } else {
      for (const job of batch) job.alone = true;
      this.#queue.unshift(...batch.filter(({ dropped }) => !dropped));
    }
  }
}
