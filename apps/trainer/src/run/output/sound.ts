/** Whether a checkpoint was saved after training had come apart: what is taken without being named must not be such a one. */
import { isSound, lastSoundCheckpoint, lossOf, trainingStateOf } from "@modernbert-ts/training";
import type { Checkpoint } from "@modernbert-ts/training";

export interface ComeApart {
  /** What is wrong with it, in words. */
  readonly what: string;
  /** Path of the last one of its folder from before. */
  readonly sound: string | undefined;
}

/** undefined for one that is sound, as far as it says. */
export function comeApart(checkpoint: Checkpoint, folder: string): ComeApart | undefined {
  const { firstLoss, ...state } = trainingStateOf(checkpoint);
  const loss = lossOf(state)?.loss;
  if (loss === undefined || isSound(loss, firstLoss)) return undefined;
  const what = `${checkpoint.path} was saved after training had come apart (loss ${loss.toPrecision(4)})`;
  return { what, sound: lastSoundCheckpoint(folder, firstLoss)?.path };
}
