/** Which checkpoints a folder holds, and housekeeping among them. The file system is the only record: there is no pointer to go stale. */
import fs from "node:fs";
import { join } from "node:path";
import { readCheckpointManifest, stepOfName } from "./format.ts";

const REMOVED = ".removed";

export interface CheckpointRef {
  readonly path: string;
  readonly step: number;
}

/** All folders that are named like a checkpoint, oldest first, complete or not. */
export function listCheckpoints(directory: string): CheckpointRef[] {
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory)
    .flatMap((name) => {
      const step = stepOfName(name);
      return step === undefined ? [] : [{ path: join(directory, name), step }];
    })
    .sort((a, b) => a.step - b.step);
}

/** Those whose manifest is there and whose files have the right sizes. */
export function completeCheckpoints(directory: string): CheckpointRef[] {
  return listCheckpoints(directory).filter(({ path }) => {
    try {
      readCheckpointManifest(path);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Removes the oldest complete checkpoints up to the one at `newest`, beyond `keep` (at least 1) of them and the spared ones, and what an interrupted removal
 * left. The rename comes first, so that a half-removed checkpoint never has a checkpoint's name. Damaged ones do not count and stay:
 * someone may want them.
 */
export function removeOldCheckpoints(
  directory: string,
  newest: number,
  keep: number,
  spared: readonly string[] = [],
): void {
  const own = completeCheckpoints(directory).filter(({ step }) => step <= newest);
  for (const { path } of own.slice(0, -Math.max(1, keep)))
    if (!spared.includes(path)) fs.renameSync(path, `${path}${REMOVED}`);
  for (const name of fs.readdirSync(directory))
    if (name.endsWith(REMOVED)) fs.rmSync(join(directory, name), { recursive: true, force: true });
}

/** Renames a checkpoint so that it no longer counts, without deleting it. Returns its new path. */
export function setAside(path: string, reason: "damaged" | "superseded"): string {
  let target = `${path}.${reason}`;
  for (let n = 2; fs.existsSync(target); n++) target = `${path}.${reason}-${n}`;
  fs.renameSync(path, target);
  return target;
}
