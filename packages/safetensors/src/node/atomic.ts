/**
 * Writes a file so that a crash, a full disk or a killed process never leaves half of it: write aside in the same folder, fsync,
 * rename over the target, fsync the folder. Only the rename changes what others see.
 */

import { randomBytes } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** The system refused a write; `message` says which file, why, what to do, and what became of an earlier file. */
export class WriteError extends Error {
  override readonly name = "WriteError";
  readonly path: string;
  /** The system's code, e.g. "ENOSPC". */
  readonly code: string;

  constructor(path: string, cause: NodeJS.ErrnoException, outcome: string) {
    const code = cause.code ?? cause.message;
    super(`[writeFileAtomic] cannot write ${path}: ${code}: ${adviceFor[code] ?? "check the disk"}; ${outcome}`, {
      cause,
    });
    this.path = path;
    this.code = code;
  }
}

const adviceFor: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full, free some space or choose another folder",
  EDQUOT: "the quota is used up, free some space or choose another folder",
  EFBIG:
    "the file is larger than the file system or the process's limit allows, choose another folder or raise the limit",
  ENOENT: "the folder does not exist, create it first",
  EACCES: "permission denied, choose another folder",
  EROFS: "the disk is read-only, choose another folder",
  EISDIR: "a folder has that name, choose another one",
};

/** Largest single write; the system call stops a little below 2 GiB. */
const maxWriteBytes = 1 << 30;

/**
 * Writes the chunks to `path`, whole or not at all; memory use is one chunk. On failure the temporary file
 * (`.NAME.XXXXXXXX.tmp` beside the target) is removed and an earlier file at `path` is as it was; a killed process leaves the
 * temporary file behind.
 * @throws WriteError when the system refuses; the source's own error when `chunks` throws.
 */
export async function writeFileAtomic(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString("hex")}.tmp`);
  const system: SystemCall = (call) =>
    call.catch((cause: NodeJS.ErrnoException) => {
      throw new WriteError(path, cause, "a file that was there before is unchanged");
    });
  try {
    await writeAside(temporary, chunks, system);
    await system(rename(temporary, path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path)).catch((cause: NodeJS.ErrnoException) => {
    throw new WriteError(path, cause, "the new file is in place, but may not survive a power failure");
  });
}

/** Turns a refusal of the system into a WriteError; errors of the source of the chunks are not touched. */
type SystemCall = <T>(call: Promise<T>) => Promise<T>;

async function writeAside(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  system: SystemCall,
): Promise<void> {
  const handle = await system(open(path, "wx"));
  try {
    for await (const chunk of chunks) await system(writeAll(handle, chunk));
    await system(handle.sync());
  } finally {
    await system(handle.close());
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.length - done, maxWriteBytes));
    done += bytesWritten;
  }
}

/** Makes renames inside a folder durable. Windows has no such call, and some network file systems refuse it: renames are still atomic there. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } catch (error) {
    if (!["EINVAL", "ENOTSUP", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    await handle.close();
  }
}
