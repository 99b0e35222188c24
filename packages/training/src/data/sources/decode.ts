/** Bytes to text: what is no text is refused by name, what is invalid is replaced and counted. */
import { isUtf8 } from "node:buffer";
import { DataError } from "../../errors.ts";

export class Decoder {
  /** Invalid sequences that became U+FFFD, by file. */
  readonly replaced: Map<string, number> = new Map();

  /**
   * @param place Path, and `:line`.
   * @throws DataError `invalid` for UTF-16, and for bytes that no text has (NUL).
   */
  decode(bytes: Uint8Array, place: string): string {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const kind = notText(data);
    if (kind)
      throw new DataError(
        "invalid",
        "TextSource",
        `expected text in UTF-8, got ${kind} at ${place}; convert or leave out that file`,
      );
    const text = data.toString("utf8");
    if (!isUtf8(data)) {
      const path = place.replace(/:\d+$/, "");
      const count = occurrences(text, "\ufffd") - occurrences(data, "\ufffd");
      this.replaced.set(path, (this.replaced.get(path) ?? 0) + count);
    }
    return text;
  }
}

/** What bytes are that are no text in UTF-8; undefined for text. */
export function notText(data: Buffer): string | undefined {
  const mark = data.subarray(0, 2).toString("hex");
  if (mark === "fffe" || mark === "feff") return "UTF-16";
  return data.includes(0) ? "binary data (a NUL byte)" : undefined;
}

function occurrences(haystack: string | Buffer, needle: string): number {
  let count = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) count++;
  return count;
}
