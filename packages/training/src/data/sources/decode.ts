/** Bytes to text: invalid UTF-8 is replaced and counted; and what of a text says that it is none. */
import { isAscii, isUtf8 } from "node:buffer";

export class Decoder {
  /** Invalid sequences that became U+FFFD, by file. */
  readonly replaced: Map<string, number> = new Map();

  /** @param path of the file that they are from. */
  decode(bytes: Uint8Array, path: string): string {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (isAscii(data)) return data.toString("latin1");
    const text = data.toString("utf8");
    if (!isUtf8(data)) {
      const count = occurrences(text, "\ufffd") - occurrences(data, "\ufffd");
      this.replaced.set(path, (this.replaced.get(path) ?? 0) + count);
    }
    return text;
  }
}

/** What a value is that holds a NUL, which no text does, whatever the format of its file; undefined for text. */
export function notText(value: string): string | undefined {
  return value.includes("\0") ? "binary data (a NUL character)" : undefined;
}

function occurrences(haystack: string | Buffer, needle: string): number {
  let count = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) count++;
  return count;
}
