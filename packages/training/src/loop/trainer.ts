/**
 * The training loop: data → step → metrics → evaluation → checkpoint. Everything that varies is handed in; what happens is
 * reported as events. A batch is drawn, and counted over all ranks, before the step in front of it is queued; the numbers of a step are
 * fetched behind it and awaited when the next one is queued: the device never waits for the host.
 */
import { singleProcessCollective } from "../collectives/single-process.ts";
import type { Collective } from "@modernbert-ts/tensor-core";
import { emptyBatch } from "../data/packing/batch.ts";
import type { Batch } from "../data/packing/batch.ts";
import { BackgroundWrite } from "./background-write.ts";
import { draw } from "./draw.ts";
import type { BatchFacts, Draw } from "./draw.ts";
import type { Score } from "./evaluate.ts";
import type { StepEvent } from "./events.ts";
import { isDue } from "./interval.ts";
import { agreeOnOptions, shareParameters } from "./ranks.ts";
import { Reporter } from "./reporter.ts";
import { divergenceWatch, earlyStopping, expectObjective } from "./trainer-options.ts";
import { refreshCopies } from "./restore-training.ts";
import { checkpointPath, takeCheckpoint } from "./save-training.ts";
import type { EarlyStopping } from "./best-score.ts";
import type { DivergenceWatch } from "./divergence.ts";
import type { StepCounts } from "./step-counts.ts";
import type { TrainerOptions, TrainingResult } from "./trainer-options.ts";
import type { TrainingProgress } from "./training-state.ts";
import { Throughput } from "./throughput.ts";
import { readStepMetrics, trainingStep } from "./training-step.ts";
import type { StepMetrics } from "./training-step.ts";

/** A step that is queued and not yet reported. */
interface Pending extends Required<Pick<StepEvent, "step" | "tokens" | "learningRate" | "weight">> {
  /** With the time at which they came, in milliseconds of `performance.now()`. */
  readonly values: Promise<StepMetrics & { readonly at: number }>;
  readonly stepTokens: number;
  readonly facts: BatchFacts;
}

export class Trainer<Row> {
  readonly #options: TrainerOptions<Row>;
  readonly #collective: Collective;
  readonly #reporter: Reporter;
  readonly #watch: DivergenceWatch;
  readonly #early: EarlyStopping;
  #step: number;
  #tokens: number;
  #seconds: number;
  #clock = 0;
  readonly #throughput = new Throughput();
  #stopping = false;
  #stopped = false;
  #pending: Pending | undefined;
  /** The batch of the next step. */
  #drawn: Draw<Row> | undefined;
  /** Whose checkpoint is there or on its way. */
  #savedStep: number;
  readonly #writing: BackgroundWrite;
  #checkpoint: string | undefined;
  #scored: { readonly step: number; readonly score: Score } | undefined;

  /** @throws CheckpointError `mismatch` when `resume` is of another objective. */
  constructor(options: TrainerOptions<Row>) {
    expectObjective(options);
    this.#options = options;
    this.#collective = options.collective ?? singleProcessCollective(options.model.runtime.backend);
    this.#reporter = new Reporter(options, this.#collective.rank);
    this.#watch = divergenceWatch(options);
    this.#early = earlyStopping(options);
    const start = options.resume?.progress ?? { step: 0, tokens: 0, seconds: 0 };
    ({ step: this.#step, tokens: this.#tokens, seconds: this.#seconds } = start);
    this.#savedStep = options.resume ? start.step : -1;
    this.#checkpoint = options.resume?.checkpoint;
    this.#writing = new BackgroundWrite({
      onNotice: (notice) => this.#reporter.notice(notice),
      onSaved: (event) => {
        this.#checkpoint = event.path;
        this.#reporter.emit(event);
      },
    });
    if (options.resume?.score) this.#scored = { step: start.step, score: options.resume.score };
  }

  /** Asks `run` to finish the step, save a checkpoint and return; with several ranks, on all of them and one step later. */
  stop(): void {
    this.#stopping = true;
  }

  /**
   * @throws DivergenceError; CheckpointError and DataError `io`; what the data, the model or the observer throw. With several ranks, an
   * error of one ends all.
   */
  async run(): Promise<TrainingResult> {
    this.#clock = performance.now();
    try {
      if (this.#collective.world > 1) {
        await agreeOnOptions(this.#options, this.#now(), this.#collective);
        shareParameters(this.#options, this.#collective);
      }
      refreshCopies(this.#options.model);
      await this.#train();
      await this.#settle();
      if (!this.#stopped) await this.#evaluate();
      await this.#save({ last: true });
      if (!this.#stopped) this.#watch.end(this.#early.best ?? this.#lastScore(), this.#step, this.#checkpoint);
    } catch (error) {
      if (this.#collective.world > 1) this.#collective.abort(error as Error);
      throw error;
    } finally {
      // Reads in flight use the device, which the caller may dispose next.
      await Promise.allSettled([this.#pending?.values, this.#drawn?.counts, this.#writing.settled()]);
    }
    const reason = this.#stopped ? "stopped" : "finished";
    return { reason, ...this.#now(), checkpoint: this.#checkpoint, score: this.#scored?.score, best: this.#early.best };
  }

  async #train(): Promise<void> {
    const { evaluation, checkpoints, totalTokens } = this.#options;
    this.#drawn = this.#tokens < totalTokens ? await this.#draw(this.#tokens) : undefined;
    while (this.#drawn && this.#early.end === undefined) {
      const { batch = emptyBatch, facts } = this.#drawn;
      const counts = await this.#drawn.counts;
      this.#stopped = this.#collective.world === 1 ? this.#stopping : counts.stopping;
      if (this.#stopped || counts.ranks === 0) return;
      const before = { step: this.#step, tokens: this.#tokens };
      const after = this.#tokens + counts.tokens;
      // Before the step is queued: what the ranks tell each other then does not wait for it.
      this.#drawn = after < totalTokens ? await this.#draw(after) : undefined;
      await this.#advance(batch, counts, facts);
      const now = { step: this.#step, tokens: this.#tokens };
      if (evaluation && isDue(evaluation.every, before, now)) await this.#evaluate();
      if (checkpoints && isDue(checkpoints.every, before, now)) await this.#save({ last: false });
    }
  }

  #draw(tokens: number): Promise<Draw<Row>> {
    return draw(this.#options, this.#collective, tokens, () => this.#stopping);
  }

  /** Queues one step, then reports the one before. */
  async #advance(batch: Batch<Row>, { weight, tokens: stepTokens }: StepCounts, facts: BatchFacts): Promise<void> {
    const { model, optimizer, reduceDtype, bucketBytes } = this.#options;
    const collective = this.#collective;
    const learningRate = this.#options.learningRate(this.#tokens);
    const step = this.#step + 1;
    const options = { step, learningRate, weight, collective, reduceDtype, bucketBytes };
    const values = readStepMetrics(trainingStep(model, optimizer, batch, options), model.metrics).then((read) => ({
      ...read,
      at: performance.now(),
    }));
    values.catch(() => undefined);
    model.runtime.backend.flush();
    const previous = this.#pending;
    this.#step = step;
    this.#tokens += stepTokens;
    this.#pending = { values, stepTokens, facts, weight, learningRate, step, tokens: this.#tokens };
    if (previous) await this.#report(previous);
    // Lets signals and timers in, also on a backend whose reads never leave the thread.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Waits for the queued step and reports it. */
  async #settle(): Promise<void> {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending) await this.#report(pending);
  }

  async #report(pending: Pending): Promise<void> {
    const { learningRate, step, tokens, stepTokens, facts, weight } = pending;
    const { at, ...values } = await pending.values;
    const took = this.#lap(at);
    // Whoever is told of the last checkpoint, is told of the one on its way.
    if (!Number.isFinite(values.loss) || !Number.isFinite(values.gradientNorm)) await this.#writing.settled();
    this.#watch.step(values, step, this.#checkpoint);
    this.#reporter.emit({
      kind: "step",
      step,
      tokens,
      ...values,
      learningRate,
      ...facts,
      weight,
      tokensPerSecond: this.#throughput.add(stepTokens, took),
      seconds: this.#seconds,
    });
  }

  async #evaluate(): Promise<void> {
    const { evaluation } = this.#options;
    if (!evaluation || this.#lastScore()) return;
    await this.#settle();
    const score = await evaluation.score(() => this.#stopping && this.#collective.world === 1);
    if (!score) return;
    await this.#writing.settled();
    const warning = this.#watch.score(score, this.#step, this.#checkpoint);
    if (warning) this.#reporter.notice(warning);
    this.#scored = { step: this.#step, score };
    this.#lap();
    this.#reporter.emit({ kind: "evaluation", ...this.#now(), ...score });
    if (this.#early.score(score, this.#step)) await this.#save({ last: false });
    if (this.#early.end !== undefined) this.#reporter.notice(this.#early.end);
  }

  /** A disk that is full ends training only when there is nothing left to train. */
  async #save({ last }: { readonly last: boolean }): Promise<void> {
    const { checkpoints } = this.#options;
    if (!checkpoints) return;
    if (this.#savedStep !== this.#step) {
      await this.#settle();
      await this.#writing.settled();
      const standing = {
        progress: this.#now(),
        loaderState: this.#drawn ? this.#drawn.before : this.#options.loader.state(),
        score: this.#lastScore() ?? null,
        best: this.#early.best,
        losses: this.#watch.losses,
      };
      const run = await takeCheckpoint(this.#options, this.#collective, standing);
      const path = checkpointPath(checkpoints, this.#step);
      await this.#writing.begin({ run, event: { kind: "checkpoint", ...this.#now(), path } });
      this.#savedStep = this.#step;
      this.#lap();
    }
    if (!last) return;
    await this.#writing.finish();
    // The next phase begins from it on every rank.
    if (this.#collective.world > 1) await this.#collective.barrier();
  }

  /** Of the step that was done last, if it was evaluated. */
  #lastScore(): Score | undefined {
    return this.#scored?.step === this.#step ? this.#scored.score : undefined;
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
}
