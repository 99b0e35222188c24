/** Text files as lines of bytes, in one pass and constant memory. */
import { constants } from "node:buffer";
import { DataError } from "../../errors.ts";
import { openBytes } from "./open-bytes.ts";
import type { OnBytes } from "./open-bytes.ts";

export interface Line {
  readonly bytes: Buffer;
  /** 1-based. */
  readonly number: number;
}

/** Without the byte order mark that some editors put at the beginning of a file. */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/**
 * Lines without their "\n"; split as bytes, so that no character is cut at the border of two reads.
 * @throws DataError like `openBytes`; `invalid` for a line that is longer than a string can be.
 */
export async function* readLines(path: string, onBytes?: OnBytes): AsyncGenerator<Line> {
  let pieces: Buffer[] = [];
  let length = 0;
  let number = 1;
  const take = (end: Buffer): Line => {
    const bytes = pieces.length === 0 ? end : Buffer.concat([...pieces, end]);
    pieces = [];
    length = 0;
    return { bytes: number === 1 ? withoutMark(bytes) : bytes, number: number++ };
  };
  for await (const chunk of openBytes(path, onBytes)) {
    let begin = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, begin)) {
      yield take(chunk.subarray(begin, end));
      begin = end + 1;
    }
    if (begin === chunk.length) continue;
    pieces.push(chunk.subarray(begin));
    length += chunk.length - begin;
    if (length > constants.MAX_STRING_LENGTH) throw tooLong(`a line of more than ${sizeLimit}`, `${path}:${number}`);
  }
  if (pieces.length > 0) yield take(Buffer.alloc(0));
}

const sizeLimit = `${constants.MAX_STRING_LENGTH >> 20} MiB`;

/** A text that no string of this engine can hold. */
export function tooLong(found: string, place: string): DataError {
  return new DataError(
    "invalid",
    "TextSource",
    `expected texts of at most ${sizeLimit}, got ${found} at ${place}; cut it into documents (--split blank-line, or one JSON object a line)`,
  );
}
