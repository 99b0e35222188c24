/** Checkpoints by what they say of themselves: the best, those at milestones, and whether one was saved after training had come apart. */
import fs from "node:fs";
import { join } from "node:path";
import { completeCheckpoints } from "../checkpoint/find.ts";
import type { CheckpointRef } from "../checkpoint/find.ts";
import { checkpointFiles } from "../checkpoint/format.ts";
import { compare, lowestLoss, valueOf } from "./best-score.ts";
import type { Criterion } from "./best-score.ts";
import { isDue } from "./interval.ts";
import type { Interval } from "./interval.ts";
import type { TrainingState } from "./training-state.ts";

interface StateLoss {
  readonly loss: number;
  /** Whether it is that of an evaluation at the very step, else the running mean of training. */
  readonly heldOut: boolean;
}

export interface ScoredCheckpoint extends CheckpointRef, StateLoss {}

/** Those whose loss is known, oldest first. */
export function scoredCheckpoints(directory: string): ScoredCheckpoint[] {
  return completeCheckpoints(directory).flatMap((checkpoint) => {
    const loss = lossOf(stateIn(checkpoint));
    return loss === undefined ? [] : [{ ...checkpoint, ...loss }];
  });
}

/** The first at or behind each multiple of an interval, oldest first. */
export function milestones(directory: string, every: Interval): CheckpointRef[] {
  let before = { step: 0, tokens: 0 };
  return completeCheckpoints(directory).filter((checkpoint) => {
    const { progress } = stateIn(checkpoint);
    if (!progress || !isDue(every, before, progress)) return false;
    before = progress;
    return true;
  });
}

/** Of those that were evaluated at their very step the best, the best first; of equal ones the earlier. */
export function bestCheckpoints(
  directory: string,
  count: number,
  criterion: Criterion = lowestLoss,
): (CheckpointRef & { readonly value: number })[] {
  return completeCheckpoints(directory)
    .flatMap((checkpoint) => {
      const { score } = stateIn(checkpoint);
      const value = score ? valueOf(score, criterion) : undefined;
      return value === undefined ? [] : [{ ...checkpoint, value }];
    })
    .sort((a, b) => compare(a.value, b.value, criterion) || a.step - b.step)
    .slice(0, count);
}

/**
 * A loss that is at most twice that of the first step, or 1 above it where a run begins with a model that is fitted already; without that of the
 * first step any that is finite.
 */
export function isSound(loss: number, firstLoss: number | undefined): boolean {
  return Number.isFinite(loss) && (firstLoss === undefined || loss <= firstLoss + Math.max(1, Math.abs(firstLoss)));
}

/** By held-out losses; by those of training, which lag behind, only where none of these is sound. */
export function lastSoundCheckpoint(directory: string, firstLoss: number | undefined): ScoredCheckpoint | undefined {
  const sound = scoredCheckpoints(directory).filter(({ loss }) => isSound(loss, firstLoss));
  return sound.findLast(({ heldOut }) => heldOut) ?? sound.at(-1);
}

/** What a checkpoint's model is judged by. */
export function lossOf({ score, trainingLoss }: Partial<TrainingState>): StateLoss | undefined {
  if (typeof score?.loss === "number") return { loss: score.loss, heldOut: true };
  return typeof trainingLoss === "number" ? { loss: trainingLoss, heldOut: false } : undefined;
}

/** Empty where it does not read. */
function stateIn({ path }: CheckpointRef): Partial<TrainingState> {
  try {
    return (JSON.parse(fs.readFileSync(join(path, checkpointFiles.state), "utf8")) ?? {}) as Partial<TrainingState>;
  } catch {
    return {};
  }
}
