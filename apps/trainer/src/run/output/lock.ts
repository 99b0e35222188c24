/** One run per output folder: a file in it names the process that trains there. That of a process which is gone does not count. */
import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { ioError } from "@modernbert-ts/training";
import { UserError } from "../../errors.ts";
import { runLayout } from "../../run-folder.ts";

interface Owner {
  readonly host: string;
  readonly pid: number;
  /** When the process began, in the system's own words: pids are used again. */
  readonly began: string;
}

/** The owner touches its file so often, in milliseconds. From another machine it counts as gone after a while without. */
const heartbeat = 10_000;
const silence = 12 * heartbeat;

export interface Lock {
  /** The file that says who is here. */
  readonly path: string;
  release(): void;
}

/**
 * Makes the folder where it is not there; `release` takes it away again if it is still empty.
 * @throws UserError when another process trains there; DataError `io`.
 */
export function lockFolder(output: string): Lock {
  const path = join(output, runLayout.lock);
  let made: string | undefined;
  try {
    made = mkdirSync(output, { recursive: true });
    while (!create(path)) removeStale(output, path);
  } catch (error) {
    if (made) removeEmpty(output, made);
    throw error instanceof UserError ? error : ioError("run", output, error);
  }
  const timer = setInterval(() => touch(path), heartbeat).unref();
  const release = (): void => {
    clearInterval(timer);
    process.off("exit", release);
    rmSync(path, { force: true });
    if (made) removeEmpty(output, made);
  };
  process.on("exit", release);
  return { path, release };
}

/** false when there is one already. */
function create(path: string): boolean {
  try {
    const owner: Owner = { host: hostname(), pid: process.pid, began: beginningOf(process.pid) };
    writeFileSync(path, `${JSON.stringify(owner)}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** @throws UserError when its owner lives. */
function removeStale(output: string, path: string): void {
  const text = readIfThere(path);
  if (text === undefined) return;
  const owner = parse(text);
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  // A file without a whole line was written by a process that ended in between, or is being written.
  const gone = owner === undefined ? age > heartbeat : owner.host === hostname() ? !lives(owner) : age > silence;
  if (!gone) {
    const who = owner ? `process ${owner.pid} on ${owner.host}` : "another process";
    throw new UserError(`${output} is in use by ${who}: wait for it or stop it, or set another output`);
  }
  // Of several that find it stale, one renames this very file; a new one is not taken away.
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (readFileSync(aside, "utf8") === text) rmSync(aside);
  else renameSync(aside, path);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function parse(text: string): Owner | undefined {
  try {
    return JSON.parse(text) as Owner;
  } catch {
    return undefined;
  }
}

function lives({ pid, began }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return beginningOf(pid) === began;
}

/** The start time of a process where /proc tells it (field 22 of stat, behind a name that may hold spaces); of one that has ended, none. */
function beginningOf(pid: number): string {
  const stat = readIfThere(`/proc/${pid}/stat`) ?? "";
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "ended" : (fields[19] ?? "");
}

function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // Nothing but other machines looks at the time.
  }
}

/** From the folder up to the first that was made. */
function removeEmpty(output: string, made: string): void {
  try {
    for (let path = output; path.length >= made.length; path = dirname(path)) rmdirSync(path);
  } catch {
    // It holds something.
  }
}
