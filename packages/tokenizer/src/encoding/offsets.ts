import type { TokenList } from "../models/token-list.ts";
import { isSpace } from "../text/unicode.ts";

/** Turns byte ranges of a text into ranges of another unit, in place and in one pass. */
export type OffsetUnit = "utf16" | "codepoint" | "byte";

/** `ranges` holds `count` starts and ends in bytes, all on character borders and roughly in order. */
export function convertRanges(bytes: Uint8Array, ranges: Int32Array, count: number, unit: OffsetUnit): void {
  if (unit === "byte") return;
  const pair = unit === "utf16" ? 2 : 1; // units of a character beyond U+FFFF
  let at = 0;
  let units = 0;
  for (let i = 0; i < 2 * count; i++) {
    const target = ranges[i]!;
    while (at < target) {
      const byte = bytes[at++]!;
      if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? pair : 1;
    }
    while (at > target) {
      const byte = bytes[--at]!;
      if ((byte & 0xc0) !== 0x80) units -= byte >= 0xf0 ? pair : 1;
    }
    ranges[i] = units;
  }
}

/**
 * Takes the blanks that tokens begin and end with out of their ranges, as the reference's ByteLevel post-processor does.
 * With `keepsPrefix`, a single blank at the very start stays: the pre-tokenizer put it there, the text has none.
 */
export function trimBlanks(list: TokenList, tokenOf: (id: number) => string, keepsPrefix: boolean): void {
  const { ids, ranges, length } = list;
  for (let i = 0; i < length; i++) {
    const token = list.texts?.get(i) ?? tokenOf(ids[i]!);
    let before = countBlanks(token, 0, 1);
    const after = countBlanks(token, token.length - 1, -1);
    let start = ranges[2 * i]!;
    let end = ranges[2 * i + 1]!;
    if (before > 0) {
      if ((i === 0 || start === 0) && keepsPrefix && before === 1) before = 0;
      start = Math.min(start + before, end);
    }
    if (after > 0 && end >= after) end = Math.max(end - after, start);
    ranges[2 * i] = start;
    ranges[2 * i + 1] = end;
  }
}

function countBlanks(token: string, from: number, step: number): number {
  let count = 0;
  for (let i = from; i >= 0 && i < token.length; i += step, count++) {
    if (token[i] !== "Ġ" && !isSpace(token.charCodeAt(i))) break;
  }
  return count;
}
