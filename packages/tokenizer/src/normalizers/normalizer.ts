/** What every normaliser does, and how a changed piece is put together. */
import type { Piece } from "../text/piece.ts";
import { characterLength, previousCharacter, putCodePoint } from "../text/utf8.ts";

export interface Normalizer {
  /** The same piece when nothing changes, else a new one. */
  normalize(piece: Piece): Piece;
}

/** Collects the characters of a changed piece, each with the character of the input that it stands for. */
export class PieceBuilder {
  readonly #input: Piece;
  #bytes: Uint8Array;
  #source: Int32Array;
  #length = 0;

  constructor(input: Piece) {
    this.#input = input;
    const guess = input.end - input.start + 32;
    this.#bytes = new Uint8Array(guess);
    this.#source = new Int32Array(guess);
  }

  /** Copies input bytes [start, end) unchanged; both are character borders. */
  copy(start: number, end: number): void {
    this.#reserve(end - start);
    const { bytes, source } = this.#input;
    this.#bytes.set(bytes.subarray(start, end), this.#length);
    if (source !== undefined) {
      this.#source.set(source.subarray(start - this.#input.start, end - this.#input.start), this.#length);
      this.#length += end - start;
      return;
    }
    for (let at = start, lead = start; at < end; at++) {
      if ((bytes[at]! & 0xc0) !== 0x80) lead = at;
      this.#source[this.#length++] = lead;
    }
  }

  /** Appends a character that stands for the one at input byte `from`. */
  put(codePoint: number, from: number): void {
    this.#reserve(4);
    const origin = this.#input.source === undefined ? from : this.#input.source[from - this.#input.start]!;
    const end = putCodePoint(this.#bytes, this.#length, codePoint);
    this.#source.fill(origin, this.#length, end);
    this.#length = end;
  }

  build(): Piece {
    return { bytes: this.#bytes, start: 0, end: this.#length, source: this.#source };
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const size = Math.max(this.#length + more, this.#bytes.length + (this.#bytes.length >> 1));
    const bytes = new Uint8Array(size);
    bytes.set(this.#bytes.subarray(0, this.#length));
    const source = new Int32Array(size);
    source.set(this.#source.subarray(0, this.#length));
    [this.#bytes, this.#source] = [bytes, source];
  }
}

/**
 * Follows the rule by which the reference library aligns changed characters: walking through input characters, an
 * output with change 0 stands for the next one, with -n for the next one and swallows n more, with +1 (inserted) for
 * the one before (tokenizers, NormalizedString::transform).
 */
export class Aligner {
  readonly #builder: PieceBuilder;
  readonly #input: Piece;
  #at: number;
  #before: number;

  constructor(builder: PieceBuilder, input: Piece, at: number) {
    this.#builder = builder;
    this.#input = input;
    this.#at = at;
    this.#before = at > input.start ? previousCharacter(input.bytes, at) : at;
  }

  put(codePoint: number, change: number): void {
    if (change > 0) {
      this.#builder.put(codePoint, this.#before);
      return;
    }
    this.#builder.put(codePoint, this.#at);
    for (let swallowed = change; swallowed <= 0; swallowed++) this.skip();
  }

  /** Passes over one input character without output. */
  skip(): void {
    if (this.#at >= this.#input.end) return;
    this.#before = this.#at;
    this.#at += characterLength(this.#input.bytes[this.#at]!);
  }
}
