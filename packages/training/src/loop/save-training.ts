/** A checkpoint of a run: what every rank's loader says, gathered, and the parts of an optimizer that they share; rank 0 writes it. */
import { join } from "node:path";
import type { Collective, Tensor } from "@modernbert-ts/tensor-core";
import { checkpointName } from "../checkpoint/format.ts";
import { saveCheckpoint } from "../checkpoint/save.ts";
import { gatherJson } from "../collectives/gather.ts";
import { gatherTensors } from "../collectives/gather-tensors.ts";
import type { ReadableTensors } from "../collectives/gather-tensors.ts";
import type { BestScore } from "./best-score.ts";
import type { Score } from "./evaluate.ts";
import { bestCheckpoints, lastSoundCheckpoint, milestones } from "./scored-checkpoints.ts";
import type { TrainerOptions } from "./trainer-options.ts";
import type { TrainingProgress, TrainingState } from "./training-state.ts";

type Checkpoints = NonNullable<TrainerOptions<unknown>["checkpoints"]>;
type Evaluation = NonNullable<TrainerOptions<unknown>["evaluation"]>;

/** Where a run stands. */
export interface Standing {
  readonly progress: TrainingProgress;
  readonly loaderState: unknown;
  readonly score: Score | null;
  readonly best: BestScore | undefined;
  readonly losses: Pick<TrainingState, "firstLoss" | "trainingLoss">;
}

export function checkpointPath({ directory }: Checkpoints, step: number): string {
  return join(directory, checkpointName(step));
}

/**
 * Copies all that a checkpoint holds to the host, so that training may go on. Resolves to what writes it, on rank 0 (which throws CheckpointError
 * `io`, and may be tried again); on others to what does nothing.
 */
export async function takeCheckpoint<Row>(
  options: TrainerOptions<Row>,
  collective: Collective,
  { progress, loaderState, score, best, losses }: Standing,
): Promise<() => Promise<unknown>> {
  const { objective, checkpoints, model, optimizer, metrics } = options;
  const alone = collective.world === 1;
  const loaders = alone ? [loaderState] : await gatherJson(model.runtime, collective, loaderState);
  const states = alone ? optimizer.state() : await gatherTensors(model.runtime, collective, optimizer.state());
  if (!checkpoints || collective.rank > 0) return () => Promise.resolve();
  const state: TrainingState = {
    version: 3,
    objective,
    optimizer: optimizer.kind,
    phase: options.phase ?? 0,
    progress,
    loaders,
    metricsPosition: metrics?.position ?? 0,
    score,
    ...(best ? { best } : {}),
    ...losses,
    ...(checkpoints.halvedFrom === undefined ? {} : { halvedFrom: checkpoints.halvedFrom }),
    settings: checkpoints.settings ?? null,
  };
  const { files = {} } = checkpoints;
  model.settle?.();
  const contents = {
    step: progress.step,
    model: await onHost(model.parameters),
    optimizer: await onHost(states),
    state,
    files,
  };
  return () =>
    saveCheckpoint(contents, {
      ...checkpoints,
      spare: () => spared(checkpoints, options.evaluation, losses.firstLoss),
    });
}

async function onHost(tensors: ReadableTensors): Promise<ReadableTensors> {
  const copies = new Map<string, Pick<Tensor, "dtype" | "shape" | "read">>();
  for (const [name, tensor] of tensors) {
    const { dtype, shape } = tensor;
    const values = await tensor.read();
    copies.set(name, { dtype, shape, read: () => Promise.resolve(values) });
  }
  return copies;
}

/** Paths that stay although they are old. */
function spared(
  { directory, keepBest = 0, keepEvery }: Checkpoints,
  { criterion, patience }: Pick<Evaluation, "criterion" | "patience"> = {},
  firstLoss: number | undefined,
): string[] {
  const count = Math.max(keepBest, patience === undefined ? 0 : 1);
  const sound = count > 0 ? lastSoundCheckpoint(directory, firstLoss) : undefined;
  return [
    ...(count > 0 ? bestCheckpoints(directory, count, criterion) : []),
    ...(sound ? [sound] : []),
    ...(keepEvery ? milestones(directory, keepEvery) : []),
  ].map(({ path }) => path);
}
