/**
 * A stretch of text on its way to the model: bytes, and where each comes from. While nothing has been changed the bytes
 * are those of the original text; a normaliser that changes something makes a new piece with a map back.
 */
import { characterLength } from "./utf8.ts";

export interface Piece {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /**
   * For each byte from `start` on, where in the original text the character begins that it stands for. Absent while
   * bytes are the original's.
   */
  readonly source?: Int32Array;
}

/** Start in the original text (a character border) of a token that begins at byte `at` of a piece. */
export function originalStart(piece: Piece, at: number): number {
  if (piece.source !== undefined) return piece.source[at - piece.start]!;
  while ((piece.bytes[at]! & 0xc0) === 0x80) at--;
  return at;
}

/** End in the original text (a character border) of a token whose last byte stands before `at` in a piece. */
export function originalEnd(piece: Piece, at: number, original: Uint8Array): number {
  const last = originalStart(piece, at - 1);
  return last + characterLength(original[last]!);
}

/** Bytes [start, end) of a piece. */
export function partOf(piece: Piece, start: number, end: number): Piece {
  if (piece.source === undefined) return { bytes: piece.bytes, start, end };
  return { bytes: piece.bytes, start, end, source: piece.source.subarray(start - piece.start, end - piece.start) };
}
