/**
 * The queue between requests and the model. There is no wait window: an idle model takes what is there, and what arrives meanwhile
 * forms the next batch. Callers that go away are taken out, and a batch that nobody waits for any more is given up where that is
 * quicker than its end. Members of a batch that fails are tried again one by one, so that one bad sequence fails alone.
 */
import { idsOf, packSequences } from "@modernbert-ts/encoder";
import type { Sequence } from "@modernbert-ts/encoder";
import type { TaskName } from "@modernbert-ts/pipelines";
import { ServeError } from "../errors.ts";
import { BatchFailedError } from "../model/model-worker.ts";
import type { ModelWorker } from "../model/model-worker.ts";
import type { Task, TaskResult } from "../model/protocol.ts";
import { FairQueue } from "./fair-queue.ts";
import { Speeds } from "./speeds.ts";
import type { BatchLimits, Packable } from "./take-batch.ts";

export interface Timed<R> {
  readonly result: R;
  /** Milliseconds in the queue, and in the model. */
  readonly queued: number;
  readonly computed: number;
}

interface Job extends Packable {
  readonly task: Task;
  readonly sequence: Sequence;
  readonly arrived: number;
  /** Nobody waits for it any more. */
  dropped: boolean;
  readonly resolve: (timed: Timed<TaskResult>) => void;
  readonly reject: (error: Error) => void;
}

type Model = Pick<ModelWorker, "run" | "state" | "speed" | "loadTime" | "replace">;

export interface SchedulerLimits extends BatchLimits {
  /** A batch that takes longer (ms), and ten times as long as expected, hangs. */
  readonly patience: number;
  /** Told of every batch when it begins. */
  readonly onBatch?: (size: number, tokens: number) => void;
}

/** What a batch may take, in terms of what was expected: speeds are means, and long texts cost more per token. */
const slack = 10;
/** Starting the model again to be rid of a batch is worth this much more (ms) than the start itself takes. */
const worthwhile = 1_000;

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/** The batch that the model is computing. */
interface Running {
  readonly jobs: readonly Job[];
  readonly since: number;
  /** Milliseconds that it should take. */
  readonly expected: number;
}

export class Scheduler {
  readonly #worker: Model;
  readonly #limits: SchedulerLimits;
  readonly #queue: FairQueue<Job> = new FairQueue();
  readonly #speeds = new Speeds();
  #running: Running | undefined;
  #scheduled = false;

  constructor(worker: Model, limits: SchedulerLimits) {
    this.#worker = worker;
    this.#limits = limits;
  }

  /** Sequences in the queue. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Seconds until what waits now is done, from 1 to 60. */
  estimateWait(): number {
    const left = this.#running ? this.#running.expected - (performance.now() - this.#running.since) : 0;
    const waiting = this.#speeds.expect("embed", this.#queue.tokens);
    return Math.min(60, Math.max(1, Math.ceil((Math.max(0, left) + waiting) / 1000)));
  }

  /**
   * Computes `task` for each sequence. When `signal` aborts, or one of the sequences fails, those that still wait are dropped and
   * the promise rejects.
   */
  async run<N extends TaskName>(
    task: Task<N>,
    sequences: readonly Sequence[],
    signal: AbortSignal,
  ): Promise<Timed<TaskResult<N>>[]> {
    signal.throwIfAborted();
    const jobs: Job[] = [];
    const key = JSON.stringify(task);
    const arrived = performance.now();
    const answers = sequences.map(
      (sequence) =>
        new Promise<Timed<TaskResult>>((resolve, reject) =>
          jobs.push({
            task: task as Task,
            key,
            sequence,
            arrived,
            tokens: idsOf(sequence).length,
            alone: false,
            dropped: false,
            resolve,
            reject,
          }),
        ),
    );
    this.#queue.add(jobs);
    this.schedule();
    let abort!: () => void;
    const aborted = new Promise<never>((_, reject) => (abort = () => reject(signal.reason as Error)));
    signal.addEventListener("abort", abort);
    try {
      return (await Promise.race([Promise.all(answers), aborted])) as Timed<TaskResult<N>>[];
    } catch (error) {
      this.#drop(jobs);
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
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
    for (const { reject } of [...(this.#running?.jobs ?? []), ...this.#queue.clear()]) reject(error);
  }

  #drop(jobs: readonly Job[]): void {
    for (const job of jobs) job.dropped = true;
    this.#queue.remove(new Set(jobs));
    this.#giveUp();
  }

  /** Ends a batch that nobody waits for, by starting the model again, where its end is further away than that. */
  #giveUp(): void {
    if (!this.#running?.jobs.every(({ dropped }) => dropped) || this.#worker.state !== "ready") return;
    const { since, expected } = this.#running;
    const left = since + expected - performance.now();
    if (left <= this.#worker.loadTime + worthwhile) return;
    this.#worker.replace(`nobody waits any more for what would take ${seconds(left)} s`, "wanted");
  }

  #next(): void {
    if (this.#running || this.#worker.state !== "ready") return;
    this.#speeds.measuredForward(this.#worker.speed);
    const { maxTokens, maxRequests } = this.#limits;
    const jobs = this.#queue.take(({ task }) => ({
      maxTokens: this.#speeds.budget(task.name, maxTokens),
      maxRequests,
    }));
    if (jobs.length === 0) return;
    const tokens = jobs.reduce((sum, job) => sum + job.tokens, 0);
    this.#limits.onBatch?.(jobs.length, tokens);
    const expected = this.#speeds.expect(jobs[0]!.task.name, tokens);
    this.#running = { jobs, since: performance.now(), expected };
    const most = Math.max(this.#limits.patience, slack * expected);
    const hangs = setTimeout(
      () => {
        this.#worker.replace(`a batch took ${seconds(most)} s instead of ${seconds(expected)} s`, "broken");
      },
      Math.min(most, 2 ** 31 - 1),
    );
    void this.#compute(jobs, tokens).finally(() => {
      clearTimeout(hangs);
      this.#running = undefined;
      this.schedule();
    });
  }

  async #compute(batch: readonly Job[], tokens: number): Promise<void> {
    const started = performance.now();
    const { task } = batch[0]!;
    try {
      const results = await this.#worker.run(task, packSequences(batch.map(({ sequence }) => sequence)));
      const computed = performance.now() - started;
      this.#speeds.learn(task.name, tokens, computed);
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
      this.#queue.putBack(batch.filter(({ dropped }) => !dropped));
    }
  }
}
