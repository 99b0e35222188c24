/**
 * Files that are still arriving, beside the blobs: `HASH.HOST.PID.RANDOM.partial` while a process writes one, `HASH.partial` when it gave
 * up. What nobody writes any more is taken over by renaming it, which only one process can do.
 */
import { randomBytes } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

const named = /^([0-9a-f]{40,64})(?:\.(.+)\.(\d+)\.[0-9a-f]{8})?\.partial$/;
/** Left by writing a small file at once. */
const temporary = /^\..+\.[0-9a-f]{8}\.tmp$/;

/** A live process writes, or gives up, far more often than that. */
const abandonedMs = 600_000;
const worthlessMs = 7 * 86_400_000;

/** A path of this process's own, with the bytes that an earlier try left, if one did. */
export async function takePartial(folder: string, hash: string): Promise<string> {
  const own = join(folder, `${hash}.${hostname()}.${process.pid}.${randomBytes(4).toString("hex")}.partial`);
  for (const name of await readdir(folder)) {
    if (named.exec(name)?.[1] !== hash || !(await isAbandoned(folder, name))) continue;
    const taken = await rename(join(folder, name), own).then(
      () => true,
      () => false, // another process was quicker
    );
    if (taken) break;
  }
  return own;
}

/** Leaves what has arrived to the next try; an empty file is removed. */
export async function leavePartial(folder: string, hash: string, own: string): Promise<void> {
  const size = await stat(own).then(
    (found) => found.size,
    () => 0,
  );
  if (size === 0) await rm(own, { force: true });
  else await rename(own, join(folder, `${hash}.partial`)).catch(() => {});
}

/** Removes what no process writes any more and no later try would want: partial files of blobs that are there, and old ones. */
export async function sweepPartials(folder: string): Promise<void> {
  const names: readonly string[] = await readdir(folder);
  for (const name of names) {
    const hash = named.exec(name)?.[1];
    if (hash === undefined && !temporary.test(name)) continue;
    const done = hash !== undefined && names.includes(hash) && (await isAbandoned(folder, name));
    if (done || (await silentMs(folder, name)) > worthlessMs)
      await rm(join(folder, name), { force: true }).catch(() => {});
  }
}

async function isAbandoned(folder: string, name: string): Promise<boolean> {
  const [, , host, pid] = named.exec(name) ?? [];
  if (pid === undefined || (host === hostname() && !isAlive(Number(pid)))) return true;
  return (await silentMs(folder, name)) > abandonedMs;
}

/** Milliseconds since the last write. */
async function silentMs(folder: string, name: string): Promise<number> {
  const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Date.now() }));
  return Date.now() - mtimeMs;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
