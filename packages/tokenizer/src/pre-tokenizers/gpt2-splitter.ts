/**
 * The pre-tokenizer of GPT-2 as a hand-written scanner: same words as the pattern
 * `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, in one pass and with no backtracking
 * (openai/gpt-2 encoder.py; the reference library's ByteLevel).
 */
import { CLASS_MASK, SPACE, characters, flagsOf } from "../text/unicode.ts";
import { characterLength, codePointAt } from "../text/utf8.ts";
import type { WordList } from "./word-list.ts";

const BLANK = 0x20;
const APOSTROPHE = 0x27;

/** Class of each byte below 0x80. */
const ascii: Uint8Array = Uint8Array.from({ length: 128 }, (_, c) => flagsOf(c) & CLASS_MASK);

/** Class of the character at `at` (two bytes or more), plus its length times four. */
function wideClass(bytes: Uint8Array, at: number): number {
  const c = codePointAt(bytes, at);
  const flags = characters.pages[(characters.index[c >> 8]! << 8) | (c & 255)]!;
  return (flags & CLASS_MASK) | (characterLength(bytes[at]!) << 2);
}

/** Length of the English clitic that starts at this apostrophe, or 0. */
function clitic(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return 0;
  const a = bytes[at + 1]!;
  if (a === 0x73 || a === 0x74 || a === 0x6d || a === 0x64) return 2; // 's 't 'm 'd
  if (at + 2 >= end) return 0;
  const b = bytes[at + 2]!;
  if ((a === 0x72 || a === 0x76) && b === 0x65) return 3; // 're 've
  return a === 0x6c && b === 0x6c ? 3 : 0; // 'll
}

/** Writes the words of bytes[from, end) until the list is full; returns where the next word starts. */
export function splitGpt2(bytes: Uint8Array, from: number, end: number, words: WordList): number {
  const { ranges } = words;
  const full = ranges.length;
  let out = 0;
  let start = from;
  while (start < end && out < full) {
    let at = start;
    let byte = bytes[at]!;
    if (byte === BLANK && at + 1 < end) byte = bytes[++at]!;
    let wide = byte < 0x80 ? 0 : wideClass(bytes, at);
    const kind = byte < 0x80 ? ascii[byte]! : wide & CLASS_MASK;
    if (kind === SPACE) {
      at = start;
      let last = at;
      while (at < end) {
        byte = bytes[at]!;
        wide = byte < 0x80 ? ascii[byte]! | 4 : wideClass(bytes, at);
        if ((wide & CLASS_MASK) !== SPACE) break;
        last = at;
        at += wide >> 2;
      }
      if (at < end && last > start) at = last; // the last space stays with what follows
    } else {
      const short = byte === APOSTROPHE && at === start ? clitic(bytes, at, end) : 0;
      if (short > 0) {
        at += short;
      } else {
        at += byte < 0x80 ? 1 : wide >> 2;
        while (at < end) {
          byte = bytes[at]!;
          if (byte < 0x80) {
            if (ascii[byte] !== kind) break;
            at++;
          } else {
            wide = wideClass(bytes, at);
            if ((wide & CLASS_MASK) !== kind) break;
            at += wide >> 2;
          }
        }
      }
    }
    ranges[out] = start;
    ranges[out + 1] = at;
    out += 2;
    start = at;
  }
  words.count = out >> 1;
  return start;
}
