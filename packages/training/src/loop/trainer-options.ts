/** What a training loop is made of, and what it gives back. */
import type { Collective } from "@modernbert-ts/tensor-core";
import type { BatchSource } from "../data/packing/batch.ts";
import type { TrainableModel } from "../objectives/objective.ts";
import type { Optimizer } from "../optimizer/optimizer.ts";
import { CheckpointError } from "../checkpoint/errors.ts";
import { EarlyStopping, lowestLoss } from "./best-score.ts";
import type { BestScore, Criterion } from "./best-score.ts";
import { DivergenceWatch } from "./divergence.ts";
import type { ReduceDtype } from "./device-step.ts";
import type { Score } from "./evaluate.ts";
import type { TrainingObserver } from "./events.ts";
import type { Interval } from "./interval.ts";
import type { MetricsLog } from "./metrics-log.ts";
import type { TrainingProgress, TrainingState } from "./training-state.ts";

export interface TrainerOptions<Row> {
  /** Name of what is trained for; a checkpoint of another is not gone on from. */
  readonly objective: string;
  /** Which of several phases this is, from 0: it is kept in checkpoints. */
  readonly phase?: number;
  readonly model: TrainableModel<Row>;
  readonly optimizer: Optimizer;
  readonly loader: BatchSource<Row>;
  /**
   * The processes that train together, each with its own loader (its `rank` and `world`) on data and a model that are the same. Clocks count
   * the tokens of all ranks; all are given the same options, and rank 0 alone reports and saves. Default: this process alone.
   */
  readonly collective?: Collective;
  /** In which dtype they sum gradients (default f32). */
  readonly reduceDtype?: ReduceDtype;
  /** They do so in buckets of so many bytes beside the backward pass; behind it when absent. */
  readonly bucketBytes?: number | undefined;
  /** Learning rate of a step from the tokens seen before it. */
  readonly learningRate: (tokens: number) => number;
  /** The first step that reaches so many tokens is the last; the end of the loader's data ends training too. */
  readonly totalTokens: number;
  /** Runs at every interval and at the end, on every rank. Where one process trains it may give up once `stopped` says so: undefined. */
  readonly evaluation?: {
    readonly every: Interval;
    readonly score: (stopped: () => boolean) => Promise<Score | undefined>;
    /** What the best is told by (default the lowest loss). */
    readonly criterion?: Criterion;
    /** So many evaluations in a row that are no better than the best end training; each that is better is saved. Absent: never. */
    readonly patience?: number;
  };
  /**
   * Saves at every interval, at the end and when stopped, all but the last while training goes on: until such a one is on disk, all that it
   * holds is in the host's memory. `files` and `settings` go into each checkpoint.
   */
  readonly checkpoints?: {
    readonly directory: string;
    readonly every: Interval;
    readonly keep?: number;
    /** How many of the best stay beyond these, and the last that is sound; those evaluated at their very step (default 0, with `patience` 1). */
    readonly keepBest?: number;
    /** The first at or behind each multiple stays for good. */
    readonly keepEvery?: Interval;
    readonly files?: Readonly<Record<string, string>>;
    readonly settings?: unknown;
    /** Row length of the batches before they were halved for want of memory. */
    readonly halvedFrom?: number;
  };
  /** So many skipped steps in a row end training (of an optimizer with `skipAbove`). Absent: the first step that is not finite does. */
  readonly skipPatience?: number;
  readonly metrics?: MetricsLog;
  readonly observer?: TrainingObserver;
  /** Gets a line for what went wrong without ending the training: a disk that is full. */
  readonly onNotice?: (notice: string) => void;
  /** Where to go on: what `restoreTraining` gave and the path that it came from. The beginning when absent. */
  readonly resume?: Pick<TrainingState, "objective" | "progress" | "score" | "best" | "firstLoss" | "trainingLoss"> & {
    readonly checkpoint: string;
  };
}

export interface TrainingResult extends TrainingProgress {
  /** `finished`: all tokens or all data were seen, or patience ended; `stopped`: `stop()` was called. */
  readonly reason: "finished" | "stopped";
  /** Path of the last checkpoint, if there is one. */
  readonly checkpoint: string | undefined;
  readonly score: Score | undefined;
  /** With `patience` only. */
  readonly best: BestScore | undefined;
}

/** @throws CheckpointError `mismatch` when `resume` is of another objective. */
export function expectObjective({ objective, resume }: Pick<TrainerOptions<never>, "objective" | "resume">): void {
  if (!resume || resume.objective === objective) return;
  throw new CheckpointError(
    "mismatch",
    "train",
    `expected a checkpoint of objective ${objective}, got one of ${resume.objective}: set objective back, or start anew`,
  );
}

export function divergenceWatch<Row>({
  optimizer,
  checkpoints,
  skipPatience: patience,
  resume,
}: TrainerOptions<Row>): DivergenceWatch {
  const { dynamic: scaled } = optimizer.lossScale;
  return new DivergenceWatch({ scaled, patience, directory: checkpoints?.directory, losses: resume });
}

export function earlyStopping<Row>({ evaluation, resume }: TrainerOptions<Row>): EarlyStopping {
  return new EarlyStopping(evaluation?.criterion ?? lowestLoss, evaluation?.patience, resume?.best);
}
