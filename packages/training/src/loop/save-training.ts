/** A checkpoint of a run: what every rank's loader says, gathered, and the parts of an optimizer that they share; rank 0 writes it. */
import { join } from "node:path";
import type { Collective } from "@modernbert-ts/tensor-core";
import { checkpointName } from "../checkpoint/format.ts";
import { saveCheckpoint } from "../checkpoint/save.ts";
import { gatherJson } from "../collectives/gather.ts";
import { gatherTensors } from "../collectives/gather-tensors.ts";
import type { Score } from "./evaluate.ts";
import type { CheckpointEvent } from "./events.ts";
import { bestCheckpoints, lastSoundCheckpoint } from "./scored-checkpoints.ts";
import type { TrainerOptions } from "./trainer-options.ts";
import type { TrainingProgress, TrainingState } from "./training-state.ts";

type Checkpoints = NonNullable<TrainerOptions<unknown>["checkpoints"]>;

/** Where a run stands. */
export interface Standing {
  readonly progress: TrainingProgress;
  readonly loaderState: unknown;
  readonly score: Score | null;
  readonly losses: Pick<TrainingState, "firstLoss" | "trainingLoss">;
  /** The line that the metrics file gets once the checkpoint is there. */
  readonly event: CheckpointEvent;
}

export function checkpointPath({ directory }: Checkpoints, step: number): string {
  return join(directory, checkpointName(step));
}

/** Resolves on every rank when the checkpoint is on disk. @throws CheckpointError `io`. */
export async function saveTraining<Row>(
  options: TrainerOptions<Row>,
  collective: Collective,
  { progress, loaderState, score, losses, event }: Standing,
): Promise<void> {
  const { objective, checkpoints, model, optimizer, metrics } = options;
  if (!checkpoints) return;
  const alone = collective.world === 1;
  const loaders = alone ? [loaderState] : await gatherJson(model.runtime, collective, loaderState);
  const states = alone ? optimizer.state() : await gatherTensors(model.runtime, collective, optimizer.state());
  if (collective.rank === 0) {
    const state: TrainingState = {
      version: 3,
      objective,
      optimizer: optimizer.kind,
      phase: options.phase ?? 0,
      progress,
      loaders,
      metricsPosition: metrics?.positionAfter(event) ?? 0,
      score,
      ...losses,
      settings: checkpoints.settings ?? null,
    };
    const { step } = progress;
    const { files = {} } = checkpoints;
    await saveCheckpoint(
      { step, model: model.parameters, optimizer: states, state, files },
      {
        ...checkpoints,
        spare: () => spared(checkpoints, losses.firstLoss),
      },
    );
  }
  if (!alone) await collective.barrier();
}

/** Paths that stay although they are old. */
function spared({ directory, keepBest = 0 }: Checkpoints, firstLoss: number | undefined): string[] {
  if (keepBest === 0) return [];
  const sound = lastSoundCheckpoint(directory, firstLoss);
  return [...bestCheckpoints(directory, keepBest), ...(sound ? [sound] : [])].map(({ path }) => path);
}
