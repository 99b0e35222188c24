/** Fills a buffer from a file position; the operating system may answer one read with less than was asked for. */
import fs from "node:fs";

const LARGEST_READ = 2 ** 30;

/** @throws those of `node:fs`, or an Error when the file ends too early. */
export function readFully(descriptor: number, target: Uint8Array, position: number): void {
  for (let done = 0; done < target.length;) {
    const length = Math.min(target.length - done, LARGEST_READ);
    const read = fs.readSync(descriptor, target, done, length, position + done);
    if (read === 0) throw new Error("the file ends too early; it was changed while in use");
    done += read;
  }
}
