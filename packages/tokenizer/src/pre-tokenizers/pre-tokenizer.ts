/** Cuts a piece into the words that the model sees one by one. */
import type { Piece } from "../text/piece.ts";
import type { WordList } from "./word-list.ts";

export interface PreTokenizer {
  /** Changes the piece as a whole before it is cut (a blank put before it); the same piece when there is nothing to do. */
  prepare(piece: Piece): Piece;
  /** Writes words of piece bytes from `from` on until the list is full or the piece ends; returns where to go on. */
  split(piece: Piece, from: number, words: WordList): number;
}
