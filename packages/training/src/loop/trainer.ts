/**
 * The training loop: data → step → metrics → evaluation → checkpoint. Everything that varies is handed in; what happens is
 * reported as events. The numbers of a step are fetched behind it and awaited when the next one is queued, so the device never waits
 * for the host.
 */
import { join } from "node:path";
import { CheckpointError } from "../checkpoint/errors.ts";
import { checkpointName } from "../checkpoint/format.ts";
import { saveCheckpoint } from "../checkpoint/save.ts";
import type { Batch } from "../data/packing/batch.ts";
import type { Score } from "./evaluate.ts";
import type { CheckpointEvent, TrainingEvent } from "./events.ts";
import { isDue } from "./interval.ts";
import type { TrainerOptions, TrainingResult } from "./trainer-options.ts";
import type { TrainingProgress, TrainingState } from "./training-state.ts";
import { readStepMetrics, trainingStep } from "./training-step.ts";
import type { StepMetrics } from "./training-step.ts";

/** The loss or the gradients became NaN or infinite: training cannot go on from here. The parameters are those before that step. */
export class DivergenceError extends Error {
  override readonly name: string = "DivergenceError";
}

interface Pending {
  /** With the time at which they came, in milliseconds of `performance.now()`. */
  readonly values: Promise<StepMetrics & { readonly at: number }>;
  readonly batch: Omit<Batch<unknown>, "rows">;
  readonly learningRate: number;
  readonly step: number;
  readonly tokens: number;
}

export class Trainer<Row> {
  readonly #options: TrainerOptions<Row>;
  #step: number;
  #tokens: number;
  #seconds: number;
  #clock = 0;
  #stopping = false;
  #pending: Pending | undefined;
  #savedStep: number;
  #checkpoint: string | undefined;
  #scoredStep = -1;
  #score: Score | undefined;

  constructor(options: TrainerOptions<Row>) {
    if (options.collective && options.collective.world > 1) {
      throw new Error(
        `[train] expected one process, got ${options.collective.world}: the loop counts the tokens of one rank only`,
      );
    }
    if (options.resume && options.resume.objective !== options.objective) {
      throw new CheckpointError(
        "mismatch",
        "train",
        `expected a checkpoint of objective ${options.objective}, got one of ${options.resume.objective}: set objective back, or start anew`,
      );
    }
    this.#options = options;
    const { step, tokens, seconds } = options.resume?.progress ?? { step: 0, tokens: 0, seconds: 0 };
    this.#step = step;
    this.#tokens = tokens;
    this.#seconds = seconds;
    this.#savedStep = options.resume ? step : -1;
    this.#checkpoint = options.resume?.checkpoint;
    this.#score = options.resume?.score ?? undefined;
    if (this.#score) this.#scoredStep = step;
  }

  /** Asks `run` to finish the step, save a checkpoint and return. */
  stop(): void {
    this.#stopping = true;
  }

  /** Errors: DivergenceError; CheckpointError and DataError `io`; what the data, the model or the observer throw. */
  async run(): Promise<TrainingResult> {
    const { evaluation, checkpoints, totalTokens } = this.#options;
    this.#clock = performance.now();
    try {
      while (!this.#stopping && this.#tokens < totalTokens) {
        const before = { step: this.#step, tokens: this.#tokens };
        if (!(await this.#advance())) break;
        const now = { step: this.#step, tokens: this.#tokens };
        if (evaluation && isDue(evaluation.every, before, now)) await this.#evaluate();
        if (checkpoints && isDue(checkpoints.every, before, now)) await this.#save();
      }
      await this.#settle();
      if (!this.#stopping) await this.#evaluate();
      await this.#save();
    } finally {
      // The read in flight uses the device, which the caller may dispose next.
      await this.#pending?.values.catch(() => undefined);
    }
    return {
      reason: this.#stopping ? "stopped" : "finished",
      step: this.#step,
      tokens: this.#tokens,
      seconds: this.#seconds,
      checkpoint: this.#checkpoint,
      score: this.#score,
    };
  }

  /** Queues one step, then reports the one before. False when the data are at an end. */
  async #advance(): Promise<boolean> {
    const { model, optimizer, loader, collective } = this.#options;
    const batch = loader.next();
    if (batch === undefined) return false;
    const learningRate = this.#options.learningRate(this.#tokens);
    const step = this.#step + 1;
    const metrics = trainingStep(model, optimizer, batch, {
      step,
      learningRate,
      ...(collective ? { collective } : {}),
    });
    const values = readStepMetrics(metrics, model.metrics).then((read) => ({ ...read, at: performance.now() }));
    // Whoever awaits it gets the error; until then it is not an unhandled one.
    values.catch(() => undefined);
    model.runtime.backend.flush();
    const previous = this.#pending;
    this.#step = step;
    this.#tokens += batch.tokens;
    this.#pending = { values, batch, learningRate, step, tokens: this.#tokens };
    if (previous) await this.#report(previous);
    // Lets signals and timers in, also on a backend whose reads never leave the thread.
    await new Promise((resolve) => setImmediate(resolve));
    return true;
  }

  /** Waits for the queued step and reports it. */
  async #settle(): Promise<void> {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending) await this.#report(pending);
  }

  async #report({ values: pending, batch, learningRate, step, tokens }: Pending): Promise<void> {
    const { at, ...values } = await pending;
    const took = this.#lap(at);
    const { loss, gradientNorm } = values;
    const skipped = !Number.isFinite(gradientNorm) && this.#options.optimizer.lossScale.dynamic;
    if (!Number.isFinite(loss) || !(Number.isFinite(gradientNorm) || skipped)) {
      const what = Number.isFinite(loss) ? `gradient norm ${gradientNorm}` : `loss ${loss}`;
      const from = this.#checkpoint
        ? `last checkpoint: ${this.#checkpoint}; go on from it`
        : "there is no checkpoint yet; start again";
      throw new DivergenceError(
        `[train] expected finite numbers, got ${what} in step ${step}; ${from} with a smaller optimizer.learning_rate or optimizer.clip_norm`,
      );
    }
    const { packingEfficiency } = batch;
    this.#emit({
      kind: "step",
      step,
      tokens,
      ...values,
      learningRate,
      packingEfficiency,
      tokensPerSecond: batch.tokens / took,
      seconds: this.#seconds,
    });
  }

  async #evaluate(): Promise<void> {
    const { evaluation } = this.#options;
    if (!evaluation || this.#scoredStep === this.#step) return;
    await this.#settle();
    this.#score = await evaluation.score();
    this.#scoredStep = this.#step;
    this.#lap();
    this.#emit({ kind: "evaluation", ...this.#now(), ...this.#score });
  }

  async #save(): Promise<void> {
    const { objective, checkpoints, model, optimizer, loader, metrics } = this.#options;
    if (!checkpoints || this.#savedStep === this.#step) return;
    await this.#settle();
    const event: CheckpointEvent = {
      kind: "checkpoint",
      ...this.#now(),
      path: join(checkpoints.directory, checkpointName(this.#step)),
    };
    const state: TrainingState = {
      version: 2,
      objective,
      progress: this.#now(),
      loader: loader.state(),
      metricsPosition: metrics?.positionAfter(event) ?? 0,
      score: this.#scoredStep === this.#step ? (this.#score ?? null) : null,
      settings: checkpoints.settings ?? null,
    };
    this.#checkpoint = await saveCheckpoint(
      {
        step: this.#step,
        model: model.parameters,
        optimizer: optimizer.state(),
        state,
        ...(checkpoints.files ? { files: checkpoints.files } : {}),
      },
      checkpoints,
    );
    this.#savedStep = this.#step;
    this.#lap();
    this.#emit(event);
  }

  #now(): TrainingProgress {
    return { step: this.#step, tokens: this.#tokens, seconds: this.#seconds };
  }

  /** Seconds from the end of the last lap to `now`, added to the total. */
  #lap(now: number = performance.now()): number {
    const took = (now - this.#clock) / 1000;
    this.#clock = now;
    this.#seconds += took;
    return took;
  }

  #emit(event: TrainingEvent): void {
    this.#options.metrics?.write(event);
    this.#options.observer?.(event);
  }
}
