/** What a checkpoint of a training run holds beside tensors, and how a run is put back to where it was. */
import type { Checkpoint } from "../checkpoint/load.ts";
import { restoreTensors } from "../checkpoint/load.ts";
import { CheckpointError } from "../checkpoint/errors.ts";
import type { PackedMlmLoaderState } from "../data/packing/packed-loader.ts";
import type { MaskedLmScore } from "./evaluate.ts";
import type { TrainableModel } from "../objectives/objective.ts";
import type { StableAdamW } from "../optimizer/stable-adamw.ts";

/** Where a run stands; the learning rate and every other schedule follow from `tokens`, dropout from `step`. */
export interface TrainingProgress {
  /** Steps done. */
  readonly step: number;
  readonly tokens: number;
  readonly seconds: number;
}

export interface TrainingState {
  readonly version: 1;
  readonly progress: TrainingProgress;
  readonly loader: PackedMlmLoaderState;
  /** Length of the metrics file up to and with the line about this checkpoint, 0 without one. */
  readonly metricsPosition: number;
  /** Of this very step, so that it is not evaluated twice; null when it was not evaluated. */
  readonly score?: MaskedLmScore | null;
  /** Whatever the caller wants to find again: its configuration. */
  readonly settings: unknown;
}

/** Checks and returns the state, without touching any tensor. Errors: CheckpointError `mismatch`. */
export function trainingStateOf({ path, state }: Checkpoint): TrainingState {
  const { version } = state as Partial<TrainingState>;
  if (version !== 1)
    throw new CheckpointError(
      "mismatch",
      "restoreTraining",
      `expected a training state of version 1, got ${String(version)} in ${path}; update this package`,
    );
  return state as TrainingState;
}

/**
 * Puts parameters and optimizer back to where they were, bit for bit. Build the loader from `state.loader`, the metrics log from
 * `state.metricsPosition` and the trainer from `state.progress`. Errors: CheckpointError `mismatch`.
 */
export async function restoreTraining(
  checkpoint: Checkpoint,
  model: TrainableModel,
  optimizer: StableAdamW,
): Promise<TrainingState> {
  const state = trainingStateOf(checkpoint);
  await restoreTensors(checkpoint, "model", model.parameters);
  await restoreTensors(checkpoint, "optimizer", optimizer.state());
  return state;
}
