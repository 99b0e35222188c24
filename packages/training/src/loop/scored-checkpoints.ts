/** Checkpoints by their held-out loss: the best ones, and whether one was saved after training had come apart. */
import fs from "node:fs";
import { join } from "node:path";
import { completeCheckpoints } from "../checkpoint/find.ts";
import type { CheckpointRef } from "../checkpoint/find.ts";
import { checkpointFiles } from "../checkpoint/format.ts";
import type { TrainingState } from "./training-state.ts";

export interface ScoredCheckpoint extends CheckpointRef {
  readonly loss: number;
}

/** Those that were evaluated at their very step, oldest first. */
export function scoredCheckpoints(directory: string): ScoredCheckpoint[] {
  return completeCheckpoints(directory).flatMap((checkpoint) => {
    const loss = lossOf(join(checkpoint.path, checkpointFiles.state));
    return loss === undefined ? [] : [{ ...checkpoint, loss }];
  });
}

/** The lowest held-out losses, the lowest first; of equal ones the earlier. */
export function bestCheckpoints(directory: string, count: number): ScoredCheckpoint[] {
  return scoredCheckpoints(directory)
    .sort((a, b) => a.loss - b.loss || a.step - b.step)
    .slice(0, count);
}

/** A held-out loss that is at most twice that of the first step; without it any that is finite. */
export function isSound(loss: number, firstLoss: number | undefined): boolean {
  return Number.isFinite(loss) && (firstLoss === undefined || loss <= firstLoss + Math.abs(firstLoss));
}

export function lastSoundCheckpoint(directory: string, firstLoss: number | undefined): ScoredCheckpoint | undefined {
  return scoredCheckpoints(directory).findLast(({ loss }) => isSound(loss, firstLoss));
}

function lossOf(path: string): number | undefined {
  try {
    const { score } = JSON.parse(fs.readFileSync(path, "utf8")) as Partial<TrainingState>;
    return typeof score?.loss === "number" ? score.loss : undefined;
  } catch {
    return undefined;
  }
}
