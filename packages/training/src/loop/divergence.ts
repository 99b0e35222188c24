/** Watches the numbers of a run: when training cannot go on, where to go on from, and when it only looks bad. */
import type { Score } from "./evaluate.ts";
import { isSound, lastSoundCheckpoint, scoredCheckpoints } from "./scored-checkpoints.ts";
import type { TrainingState } from "./training-state.ts";
import type { StepMetrics } from "./training-step.ts";

/** The loss or the gradients became NaN or infinite, step after step was skipped, or the run ended far worse than it began. */
export class DivergenceError extends Error {
  override readonly name: string = "DivergenceError";
}

export interface DivergenceOptions {
  /** Whether the loss is scaled, so that a step whose gradients overflow is only skipped. */
  readonly scaled: boolean;
  /** So many skipped steps in a row end training; absent: a step that is not finite does. */
  readonly patience: number | undefined;
  readonly directory: string | undefined;
  /** Of a run that goes on, where they are known. */
  readonly losses: Pick<TrainingState, "firstLoss" | "trainingLoss"> | undefined;
}

/** Share of a step in the running mean of the training loss. */
const newest = 0.1;

export class DivergenceWatch {
  readonly #options: DivergenceOptions;
  #firstLoss: number | undefined;
  #trainingLoss: number | undefined;
  #skipped = 0;

  constructor(options: DivergenceOptions) {
    this.#options = options;
    this.#firstLoss = options.losses?.firstLoss;
    this.#trainingLoss = options.losses?.trainingLoss;
  }

  /** Of the first step that was watched, and the running mean over those that were not skipped. */
  get losses(): Pick<TrainingState, "firstLoss" | "trainingLoss"> {
    return { firstLoss: this.#firstLoss, trainingLoss: this.#trainingLoss };
  }

  /** @throws DivergenceError that says where to go on; the parameters are those before the step. */
  step({ loss, gradientNorm, skipped }: StepMetrics, step: number, checkpoint: string | undefined): void {
    const { scaled, patience } = this.#options;
    if (Number.isFinite(loss)) this.#firstLoss ??= loss;
    if (!skipped) this.#trainingLoss = (1 - newest) * (this.#trainingLoss ?? loss) + newest * loss;
    this.#skipped = skipped ? this.#skipped + 1 : 0;
    if (patience !== undefined) {
      if (this.#skipped >= patience)
        this.#diverged(
          `numbers to skip in ${patience} steps in a row (loss ${loss}, gradient norm ${gradientNorm})`,
          step,
          checkpoint,
        );
    } else if (!Number.isFinite(loss)) this.#diverged(`loss ${loss}`, step, checkpoint);
    else if (!Number.isFinite(gradientNorm) && !scaled)
      this.#diverged(`gradient norm ${gradientNorm}`, step, checkpoint);
  }

  /**
   * A line for a held-out loss that is finite and far above that of the first step. @throws DivergenceError for one that is not finite: what is
   * saved next would be no better.
   */
  score({ loss }: Score, step: number, checkpoint: string | undefined): string | undefined {
    if (!Number.isFinite(loss)) this.#diverged(`held-out loss ${loss}`, step, checkpoint);
    if (isSound(loss, this.#firstLoss)) return undefined;
    return `training has come apart: the held-out loss of step ${step} is ${loss.toPrecision(4)}, the run began with ${this.#firstLoss!.toPrecision(4)}; ${this.#advice(checkpoint)}`;
  }

  /** Of a run that has done all its steps. @param score of the last one, or the best. @throws DivergenceError when its loss is far above that of the first step. */
  end(score: Pick<Score, "loss"> | undefined, step: number, checkpoint: string | undefined): void {
    const loss = score?.loss ?? this.#trainingLoss;
    if (loss === undefined || isSound(loss, this.#firstLoss)) return;
    throw new DivergenceError(
      `[train] expected a ${score ? "held-out" : "training"} loss below that of the beginning (${this.#firstLoss?.toPrecision(4)}), got ${loss.toPrecision(4)} at the end, after step ${step}: training has come apart; ${this.#advice(checkpoint)}`,
    );
  }

  #diverged(what: string, step: number, checkpoint: string | undefined): never {
    throw new DivergenceError(
      `[train] expected finite numbers, got ${what} in step ${step}; ${this.#advice(checkpoint)}`,
    );
  }

  #advice(checkpoint: string | undefined): string {
    const changes = "with a smaller optimizer.learning_rate or optimizer.clip_norm";
    const { directory } = this.#options;
    const sound = directory === undefined ? undefined : lastSoundCheckpoint(directory, this.#firstLoss);
    if (sound)
      return `last checkpoint with a sound ${sound.heldOut ? "held-out" : "training"} loss: ${sound.path}; go on from it ${changes}`;
    if (checkpoint === undefined) return `there is no checkpoint yet; start again ${changes}`;
    if (directory !== undefined && scoredCheckpoints(directory).some(({ path }) => path === checkpoint))
      return `all checkpoints were saved after it had come apart; start again ${changes}`;
    return `last checkpoint: ${checkpoint}; go on from it ${changes}`;
  }
}
