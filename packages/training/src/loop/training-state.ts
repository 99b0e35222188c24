/** What a checkpoint of a training run holds beside tensors, and how a run is put back to where it was. */
import type { Checkpoint } from "../checkpoint/load.ts";
import { restoreTensors } from "../checkpoint/load.ts";
import { CheckpointError } from "../checkpoint/errors.ts";
import type { Score } from "./evaluate.ts";
import type { TrainableModel } from "../objectives/objective.ts";
import type { StableAdamW } from "../optimizer/stable-adamw.ts";
import { upgradeNumbers } from "./version-1.ts";

/** Where a run stands; the learning rate and every other schedule follow from `tokens`, dropout from `step`. */
export interface TrainingProgress {
  /** Steps done. */
  readonly step: number;
  readonly tokens: number;
  readonly seconds: number;
}

export interface TrainingState {
  readonly version: 2;
  /** Name of what was trained for. */
  readonly objective: string;
  readonly progress: TrainingProgress;
  /** As the objective's loader gave it. */
  readonly loader: unknown;
  /** Length of the metrics file up to and with the line about this checkpoint, 0 without one. */
  readonly metricsPosition: number;
  /** Of this very step, so that it is not evaluated twice; null when it was not evaluated. */
  readonly score?: Score | null;
  /** Whatever the caller wants to find again: its configuration. */
  readonly settings: unknown;
}

/** Checks and returns the state, without touching any tensor; version 1, which knew the masked LM only, is read too. Errors: CheckpointError `mismatch`. */
export function trainingStateOf({ path, state }: Checkpoint): TrainingState {
  const { version, score } = state as { readonly version?: unknown; readonly score?: Score | null };
  if (version === 2) return state as TrainingState;
  if (version === 1) {
    const old = state as Omit<TrainingState, "version" | "objective">;
    return { ...old, version: 2, objective: "masked_lm", ...(score ? { score: upgradeNumbers(score) } : {}) };
  }
  throw new CheckpointError(
    "mismatch",
    "restoreTraining",
    `expected a training state of version 1 or 2, got ${String(version)} in ${path}; update this package`,
  );
}

/**
 * Puts parameters and optimizer back to where they were, bit for bit. Build the loader from `state.loader`, the metrics log from
 * `state.metricsPosition` and the trainer from `state.progress`. Errors: CheckpointError `mismatch`.
 */
export async function restoreTraining<Row>(
  checkpoint: Checkpoint,
  model: TrainableModel<Row>,
  optimizer: StableAdamW,
): Promise<TrainingState> {
  const state = trainingStateOf(checkpoint);
  await restoreTensors(checkpoint, "model", model.parameters);
  await restoreTensors(checkpoint, "optimizer", optimizer.state());
  return state;
}
