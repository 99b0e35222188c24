/** Text files as lines of bytes, in one pass and constant memory. */
import fs from "node:fs";
import { ioError } from "../../errors.ts";

export interface Line {
  readonly bytes: Buffer;
  /** 1-based. */
  readonly number: number;
}

/** Without the byte order mark that some editors put at the beginning of a file. */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** Lines without their "\n"; split as bytes, so that no character is cut at the border of two reads. @throws DataError `missing`, `io`. */
export async function* readLines(path: string): AsyncGenerator<Line> {
  let pieces: Buffer[] = [];
  let number = 1;
  const take = (end: Buffer): Line => {
    const bytes = pieces.length === 0 ? end : Buffer.concat([...pieces, end]);
    pieces = [];
    return { bytes: number === 1 ? withoutMark(bytes) : bytes, number: number++ };
  };
  try {
    for await (const data of fs.createReadStream(path, { highWaterMark: 1 << 20 })) {
      const chunk = data as Buffer;
      let begin = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, begin)) {
        yield take(chunk.subarray(begin, end));
        begin = end + 1;
      }
      if (begin < chunk.length) pieces.push(chunk.subarray(begin));
    }
  } catch (error) {
    throw ioError("readLines", path, error);
  }
  if (pieces.length > 0) yield take(Buffer.alloc(0));
}
