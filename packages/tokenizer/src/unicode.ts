/**
 * Character classes as a two-stage table: 256 code points to a page, equal pages shared. Built once from the packed
 * tables of unicode-data.ts, so that results do not hang on the Unicode version of the engine that runs the code.
 */
import { COMBINING_CLASSES, LETTERS, NFC_UNSAFE, NUMBERS, SPACES, WORD } from "./unicode-data.ts";

export const OTHER = 0;
export const LETTER = 1;
export const NUMBER = 2;
export const SPACE = 3;
/** Mask of the four classes above; the pre-tokenizer's whole view of a character. */
export const CLASS_MASK = 3;
/** NFC may change this character or join it to the one before. */
export const NFC_UNSAFE_BIT = 4;

const CODE_POINTS = 0x110000;

/** Calls `visit` with each run of a packed table: first code point, length, value (when the table has values). */
function eachRun(packed: string, withValue: boolean, visit: (start: number, length: number, value: number) => void): void {
  const words = packed.split(" ");
  const number = (i: number): number => parseInt(words[i]!, 36);
  let end = 0;
  for (let i = 0; i < words.length; i += withValue ? 3 : 2) {
    const start = end + number(i);
    end = start + number(i + 1);
    visit(start, end - start, withValue ? number(i + 2) : 0);
  }
}

/** Flags of a code point: `pages[(index[c >> 8] << 8) | (c & 255)]`. */
interface CharacterTable {
  readonly index: Uint8Array;
  readonly pages: Uint8Array;
}

function buildCharacterTable(): CharacterTable {
  const flat = new Uint8Array(CODE_POINTS);
  const mark = (packed: string, flag: number): void =>
    eachRun(packed, false, (start, length) => {
      for (let c = start; c < start + length; c++) flat[c]! |= flag;
    });
  mark(LETTERS, LETTER);
  mark(NUMBERS, NUMBER);
  mark(SPACES, SPACE);
  mark(NFC_UNSAFE, NFC_UNSAFE_BIT);
  const index = new Uint8Array(CODE_POINTS >> 8);
  const seen = new Map<string, number>();
  const kept: Uint8Array[] = [];
  for (let page = 0; page < index.length; page++) {
    const part = flat.subarray(page << 8, (page + 1) << 8);
    const key = String.fromCharCode(...part);
    let at = seen.get(key);
    if (at === undefined) {
      at = kept.push(part) - 1;
      seen.set(key, at);
    }
    index[page] = at;
  }
  const pages = new Uint8Array(kept.length << 8);
  kept.forEach((part, i) => pages.set(part, i << 8));
  return { index, pages };
}

export const characters: CharacterTable = buildCharacterTable();

/** Class and NFC flag of a code point. */
export const flagsOf = (codePoint: number): number =>
  characters.pages[(characters.index[codePoint >> 8]! << 8) | (codePoint & 255)]!;

export const isSpace = (codePoint: number): boolean => (flagsOf(codePoint) & CLASS_MASK) === SPACE;

/** Membership in a packed table: unpacked when first asked, then a binary search over its runs. */
export function codePointSet(packed: string): (codePoint: number) => boolean {
  let starts: number[] | undefined;
  const ends: number[] = [];
  return (codePoint) => {
    if (starts === undefined) {
      const built: number[] = [];
      eachRun(packed, false, (start, length) => {
        built.push(start);
        ends.push(start + length);
      });
      starts = built;
    }
    let low = 0;
    for (let high = starts.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= codePoint) low = middle + 1;
      else high = middle;
    }
    return low > 0 && codePoint < ends[low - 1]!;
  };
}

/** \w of the reference's second regex engine: where an added token with `single_word` may stand. */
export const isWordCharacter: (codePoint: number) => boolean = codePointSet(WORD);

let classes: Map<number, number> | undefined;

/** Canonical combining class of a code point, 0 for most. */
export function combiningClass(codePoint: number): number {
  if (classes === undefined) {
    const built = new Map<number, number>();
    eachRun(COMBINING_CLASSES, true, (start, length, value) => {
      for (let c = start; c < start + length; c++) built.set(c, value);
    });
    classes = built;
  }
  return classes.get(codePoint) ?? 0;
}
