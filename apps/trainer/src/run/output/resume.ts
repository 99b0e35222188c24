/** Where a run begins: at the start, at its latest whole checkpoint, or at one that was named. Never silently over an earlier run. */
import { dirname, resolve } from "node:path";
import { listCheckpoints, openCheckpoint, openLatestCheckpoint, setAside } from "@modernbert-ts/training";
import type { Checkpoint } from "@modernbert-ts/training";
import { UserError } from "../../errors.ts";
import { comeApart } from "./sound.ts";

/**
 * @param directory The run's folder of checkpoints.
 * @param resume `auto`, the path of a checkpoint, or undefined for a new run.
 * @throws UserError when a new run, or one that goes on from another run's checkpoint, would meet the checkpoints of an old one, or when `auto` finds
 * that training has come apart; CheckpointError.
 */
export async function findStart(
  directory: string,
  resume: string | undefined,
  onNotice: (notice: string) => void,
): Promise<Checkpoint | undefined> {
  const existing = listCheckpoints(directory);
  if (resume === undefined) {
    if (existing.length === 0) return undefined;
    throw new UserError(
      `${directory} holds ${existing.length} checkpoint${existing.length === 1 ? "" : "s"} of an earlier run: add --resume auto to go on with it, or set another output`,
    );
  }
  if (resume === "auto") {
    const latest = await openLatestCheckpoint(directory, onNotice);
    if (latest) expectSound(latest, directory);
    else onNotice(`no checkpoint in ${directory} yet: starting at the beginning`);
    return latest;
  }
  const checkpoint = await openCheckpoint(resume);
  if (existing.length > 0 && !isOwn(directory, checkpoint))
    throw new UserError(
      `${resume} belongs to another run, and ${directory} holds checkpoints of an earlier one: set another output`,
    );
  return checkpoint;
}

/**
 * The same settings would lead to the same numbers again, and which others to take only the user knows.
 * @throws UserError that names the one before training came apart.
 */
function expectSound(latest: Checkpoint, directory: string): void {
  const apart = comeApart(latest, directory);
  if (!apart) return;
  const { what, sound } = apart;
  const before = sound
    ? `go on from the last one before with --resume ${sound}`
    : "there is none from before: start again in another output";
  throw new UserError(
    `${what}: ${before} and a smaller optimizer.learning_rate or optimizer.clip_norm, or name it to go on from it all the same`,
  );
}

/** Later checkpoints of the run no longer count: to be called when all that the run needs has been found to fit. */
export function setLaterAside(directory: string, checkpoint: Checkpoint, onNotice: (notice: string) => void): void {
  if (!isOwn(directory, checkpoint)) return;
  for (const { path, step } of listCheckpoints(directory))
    if (step > checkpoint.step)
      onNotice(`${path} is later than the one to go on from: renamed to ${setAside(path, "superseded")}`);
}

/** Whether a checkpoint belongs to the run whose folder of checkpoints this is. */
export function isOwn(directory: string, { path }: Checkpoint): boolean {
  return resolve(dirname(path)) === resolve(directory);
}
