/** Normalisers that go character by character: lower case, accents off, BERT's cleaning, replacement. */
import { Aligner, type Normalizer, PieceBuilder } from "./normalizer.ts";
import type { Piece } from "../text/piece.ts";
import { CONTROL } from "../text/unicode-data.ts";
import { codePointSet, isSpace } from "../text/unicode.ts";
import { characterLength, codePointAt, fromUtf8 } from "../text/utf8.ts";

const BLANK = 0x20;

/** Replaces each character by those that `map` gives, the first of which takes its place. */
function mapping(map: (codePoint: number) => readonly number[] | undefined): Normalizer {
  return {
    normalize: (piece) => {
      let changed = false;
      const builder = new PieceBuilder(piece);
      const aligner = new Aligner(builder, piece, piece.start);
      for (let at = piece.start; at < piece.end; at += characterLength(piece.bytes[at]!)) {
        const c = codePointAt(piece.bytes, at);
        const mapped = map(c);
        if (mapped === undefined) {
          aligner.put(c, 0);
          continue;
        }
        changed = true;
        mapped.forEach((to, i) => aligner.put(to, i === 0 ? 0 : 1));
      }
      return changed ? builder.build() : piece;
    },
  };
}

/** Leaves out the characters that do not pass the test. */
export function filtering(keep: (codePoint: number) => boolean): Normalizer {
  return {
    normalize: (piece) => {
      let changed = false;
      const builder = new PieceBuilder(piece);
      for (let at = piece.start; at < piece.end; at += characterLength(piece.bytes[at]!)) {
        const c = codePointAt(piece.bytes, at);
        if (keep(c)) builder.put(c, at);
        else changed = true;
      }
      return changed ? builder.build() : piece;
    },
  };
}

export const lowercase: Normalizer = mapping((c) => {
  const text = String.fromCodePoint(c);
  const lower = text.toLowerCase();
  return lower === text ? undefined : Array.from(lower, (part) => part.codePointAt(0)!);
});

const isControl = codePointSet(CONTROL);

/** BERT's cleaning: control characters go, every kind of blank becomes a plain one. */
export const cleanText: Normalizer = inOrder([
  filtering((c) => !isControl(c)),
  mapping((c) => (c !== BLANK && isSpace(c) ? [BLANK] : undefined)),
]);

/** Blanks around Chinese characters (the CJK blocks that BERT lists; not kana, not hangul). */
export const spaceOutChinese: Normalizer = mapping((c) => (isChinese(c) ? [BLANK, c, BLANK] : undefined));

function isChinese(c: number): boolean {
  return (
    (c >= 0x4e00 && c <= 0x9fff) ||
    (c >= 0x3400 && c <= 0x4dbf) ||
    (c >= 0x20000 && c <= 0x2a6df) ||
    (c >= 0x2a700 && c <= 0x2b73f) ||
    (c >= 0x2b740 && c <= 0x2b81f) ||
    (c >= 0x2b920 && c <= 0x2ceaf) ||
    (c >= 0xf900 && c <= 0xfaff) ||
    (c >= 0x2f800 && c <= 0x2fa1f)
  );
}

/** Takes blanks off the ends. */
export function stripping(left: boolean, right: boolean): Normalizer {
  return {
    normalize: (piece) => {
      const text = fromUtf8(piece.bytes.subarray(piece.start, piece.end));
      const characters = Array.from(text, (c) => c.codePointAt(0)!);
      let from = 0;
      let to = characters.length;
      if (left) while (from < to && isSpace(characters[from]!)) from++;
      if (right) while (to > from && isSpace(characters[to - 1]!)) to--;
      if (from === 0 && to === characters.length) return piece;
      let at = piece.start;
      const builder = new PieceBuilder(piece);
      characters.forEach((c, i) => {
        if (i >= from && i < to) builder.put(c, at);
        at += characterLength(piece.bytes[at]!);
      });
      return builder.build();
    },
  };
}

/** One normaliser after another. */
export function inOrder(list: readonly Normalizer[]): Normalizer {
  return { normalize: (piece) => list.reduce<Piece>((current, next) => next.normalize(current), piece) };
}
