/** A file as a ByteSource: positioned reads straight into the caller's memory, and its descriptor for those who can map it. */

import { open } from "node:fs/promises";
import { SafetensorsError } from "../errors.ts";
import type { ByteSource } from "../reader.ts";

/** Largest single read; the system call stops a little below 2 GiB. */
const maxReadBytes = 1 << 30;

/** The system's refusal to open a file, as this package's error. */
export function unreadable(path: string, cause: NodeJS.ErrnoException): SafetensorsError {
  const reason = cause.code ?? cause.message;
  return new SafetensorsError(path, `expected a readable file, got ${reason}; check the path`, undefined, { cause });
}

/**
 * Opens a file for reading. `name` is what errors and shard indexes call it.
 * @throws SafetensorsError when it cannot be opened.
 */
export async function openFileSource(path: string, name: string = path): Promise<ByteSource> {
  const handle = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause);
  });
  const { size } = await handle.stat();
  return {
    name,
    size,
    descriptor: handle.fd,
    async readInto(offset, target) {
      for (let done = 0; done < target.length;) {
        const length = Math.min(target.length - done, maxReadBytes);
        const { bytesRead } = await handle.read(target, done, length, offset + done);
        if (bytesRead === 0)
          throw new SafetensorsError(
            name,
            `expected ${target.length} bytes at ${offset}, got ${done}: the file was cut while it was read`,
          );
        done += bytesRead;
      }
    },
    close: () => handle.close(),
  };
}
