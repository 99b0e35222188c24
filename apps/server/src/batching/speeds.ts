/** How quickly the model computes each task, from what it has computed: what a batch may hold, and how long it may take. */
import type { TaskName } from "@modernbert-ts/pipelines";

/**
 * A batch is kept to about so much work (ms), within the token budget: on a slow device a larger one is no faster per token and
 * only makes the next request wait.
 */
const batchTime = 500;
/** Tokens that any device takes at once. */
const leastTokens = 256;
/** Tokens per ms of a task that nothing is known of. */
const slowest = 0.01;

export class Speeds {
  /** Exponential means, tokens per ms. */
  readonly #known = new Map<TaskName, number>();
  /** Of a plain forward pass, where the worker has measured one. */
  #forward: number | undefined;

  measuredForward(tokensPerMs: number | undefined): void {
    this.#forward = tokensPerMs;
  }

  /** Learns from a batch of so many tokens that took so many ms. */
  learn(task: TaskName, tokens: number, took: number): void {
    const speed = tokens / Math.max(took, 0.001);
    const known = this.#known.get(task);
    this.#known.set(task, known === undefined ? speed : 0.9 * known + 0.1 * speed);
  }

  /** Tokens of a batch of the task: the first of its kind is small. */
  budget(task: TaskName, maxTokens: number): number {
    const tokens = (this.#known.get(task) ?? this.#forward ?? 0) * batchTime;
    return Math.min(maxTokens, Math.max(leastTokens, tokens));
  }

  /** Milliseconds that so many tokens take. */
  expect(task: TaskName, tokens: number): number {
    return tokens / (this.#known.get(task) ?? this.#forward ?? slowest);
  }
}
