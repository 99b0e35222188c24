/** What a checkpoint of a training run holds beside tensors. */
import type { OptimizerKind } from "../optimizer/optimizer.ts";
import type { BestScore } from "./best-score.ts";
import type { Score } from "./evaluate.ts";

/** Where a run stands; the learning rate and every other schedule follow from `tokens`, dropout from `step`. */
export interface TrainingProgress {
  /** Steps done. */
  readonly step: number;
  readonly tokens: number;
  readonly seconds: number;
}

export interface TrainingState {
  readonly version: 3;
  /** Name of what was trained for. */
  readonly objective: string;
  /** Kind of the optimizer whose state lies beside; absent in those of earlier releases, which had StableAdamW only. */
  readonly optimizer?: OptimizerKind;
  readonly progress: TrainingProgress;
  /** Which of several phases it is in the middle, or at the end, of; the first where it does not say. */
  readonly phase?: number;
  /** What the loader of each rank gave, in the order of ranks. */
  readonly loaders: readonly unknown[];
  /** Length of the metrics file up to this checkpoint, in those of earlier releases with the line about it; 0 without one. */
  readonly metricsPosition: number;
  /** Of this very step, so that it is not evaluated twice; null when it was not evaluated. */
  readonly score?: Score | null;
  /** Of a run that ends once evaluations get no better. */
  readonly best?: BestScore | undefined;
  /** Loss of the first step of the run: losses far above it are not sound. Absent in those of earlier releases, as the next. */
  readonly firstLoss?: number | undefined;
  /** Running mean of the training loss. */
  readonly trainingLoss?: number | undefined;
  /** Row length of the loaders before it was halved for want of memory; absent where it was not. */
  readonly halvedFrom?: number;
  /** Whatever the caller wants to find again: its configuration. */
  readonly settings: unknown;
}
