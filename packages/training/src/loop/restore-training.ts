/** How a run is put back to where a checkpoint was made. */
import { assign } from "@modernbert-ts/tensor-core";
import type { Checkpoint } from "../checkpoint/load.ts";
import { restoreTensors } from "../checkpoint/load.ts";
import { CheckpointError } from "../checkpoint/errors.ts";
import type { TrainableModel } from "../objectives/objective.ts";
import type { Optimizer } from "../optimizer/optimizer.ts";
import { isAverageState } from "../optimizer/averaged-optimizer.ts";
import { isGuardState } from "../optimizer/spike-guard.ts";
import { upgradeLoader, upgradeObjective } from "./earlier-versions.ts";
import type { Version1, Version2 } from "./earlier-versions.ts";
import type { TrainingState } from "./training-state.ts";

/**
 * Checks and returns the state, without touching any tensor. Version 1, which knew the masked LM only, and version 2, of one process,
 * are read too. @throws CheckpointError `mismatch`.
 */
export function trainingStateOf({ path, state }: Checkpoint): TrainingState {
  const { version } = state as { readonly version?: unknown };
  if (version === 3) return state as TrainingState;
  if (version === 2) return upgradeLoader(state as Version2);
  if (version === 1) return upgradeLoader(upgradeObjective(state as Version1));
  throw new CheckpointError(
    "mismatch",
    "restoreTraining",
    `expected a training state of version 1, 2 or 3, got ${String(version)} in ${path}; update this package`,
  );
}

/**
 * The loader's state of one rank. States that are the same on every rank do not depend on their number: then any number goes on.
 * @throws CheckpointError `mismatch` when other numbers of processes trained.
 */
export function loaderStateOf({ loaders }: TrainingState, rank: number = 0, world: number = 1): unknown {
  if (loaders.length === world) return loaders[rank];
  const [first, ...others] = loaders.map((state) => JSON.stringify(state));
  if (others.every((other) => other === first)) return loaders[0];
  throw new CheckpointError(
    "mismatch",
    "restoreTraining",
    `expected a checkpoint of ${world} ${world === 1 ? "process" : "processes"}, got one of ${loaders.length} whose loaders each have their own part: go on with as many`,
  );
}

/** Copies of parameters that were written from outside. */
export function refreshCopies({ parameters, copies }: Pick<TrainableModel<never>, "parameters" | "copies">): void {
  for (const [name, copy] of copies) assign(copy, parameters.get(name)!);
}

function expectKind({ path }: Checkpoint, { optimizer = "stable_adamw" }: TrainingState, { kind }: Optimizer): void {
  if (optimizer === kind) return;
  throw new CheckpointError(
    "mismatch",
    "restoreTraining",
    `expected the state of optimizer ${kind}, got that of ${optimizer} in ${path}: set optimizer.kind back, or start anew from its model (model.from)`,
  );
}

/**
 * Puts parameters and optimizer back to where they were, bit for bit. Build the loader from `loaderStateOf(state)`, the metrics log from
 * `state.metricsPosition` and the trainer from `state.progress`. @throws CheckpointError `mismatch`.
 */
export async function restoreTraining<Row>(
  checkpoint: Checkpoint,
  model: TrainableModel<Row>,
  optimizer: Optimizer,
): Promise<TrainingState> {
  const state = trainingStateOf(checkpoint);
  expectKind(checkpoint, state, optimizer);
  await restoreTensors(checkpoint, "model", model.parameters);
  optimizer.restart?.();
  const states = optimizer.state();
  const isElsewhere = (name: string): boolean => !states.has(name) && optimizer.ownerOf?.(name) !== undefined;
  await restoreTensors(
    checkpoint,
    "optimizer",
    states,
    (name) => isGuardState(name) || isAverageState(name) || isElsewhere(name),
  );
  refreshCopies(model);
  return state;
}
