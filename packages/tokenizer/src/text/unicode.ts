/**
 * Character classes as a two-stage table: 256 code points to a page, equal pages shared. Built once from the packed
 * tables of unicode-data.ts, so that results do not hang on the Unicode version of the engine that runs the code.
 */
import { COMBINING_CLASSES, LETTERS, NFC_UNSAFE, NUMBERS, SPACES, WORD } from "./unicode-data.ts";

/** Class of a character for the pre-tokenizer; 0 is anything else. */
const LETTER = 1;
const NUMBER = 2;
export const SPACE = 3;
/** Mask of the class. */
export const CLASS_MASK = 3;
/** NFC may change this character or join it to the one before. */
export const NFC_UNSAFE_BIT = 4;

const CODE_POINTS = 0x110000;

/** Calls `visit` with each run of a packed table: first code point, length, value (when the table has values). */
function eachRun(
  packed: string,
  withValue: boolean,
  visit: (start: number, length: number, value: number) => void,
): void {
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
    eachRun(packed, false, (start, length) => flat.fill(flag, start, start + length));
  mark(LETTERS, LETTER);
  mark(NUMBERS, NUMBER);
  mark(SPACES, SPACE);
  eachRun(NFC_UNSAFE, false, (start, length) => {
    for (let c = start; c < start + length; c++) flat[c]! |= NFC_UNSAFE_BIT;
  });
  // Pages of one value throughout, which are most, are shared: page v holds 256 times v.
  const uniform = 2 * NFC_UNSAFE_BIT;
  const index = new Uint8Array(CODE_POINTS >> 8);
  const words = new Uint32Array(flat.buffer);
  const mixed: number[] = [];
  for (let page = 0; page < index.length; page++) {
    const first = words[page << 6]!;
    let word = (page << 6) + 1;
    while (word < (page + 1) << 6 && words[word] === first) word++;
    const same = word === (page + 1) << 6 && first === (first & 255) * 0x01010101;
    index[page] = same ? first & 255 : uniform + mixed.push(page) - 1;
  }
  const pages = new Uint8Array((uniform + mixed.length) << 8);
  for (let value = 0; value < uniform; value++) pages.fill(value, value << 8, (value + 1) << 8);
  mixed.forEach((page, i) => pages.set(flat.subarray(page << 8, (page + 1) << 8), (uniform + i) << 8));
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
    for (let high = starts.length; low < high;) {
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
