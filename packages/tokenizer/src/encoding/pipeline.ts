/**
 * From text to tokens, in the order of the reference library: added tokens of the raw text, normalisation of what lies
 * between them, added tokens of the normalised text, words, model. Everything runs on reused buffers.
 */
import type { Model } from "../models/model.ts";
import type { Normalizer } from "../normalizers/normalizer.ts";
import { type Piece, originalEnd, originalStart, partOf } from "../text/piece.ts";
import type { PreTokenizer } from "../pre-tokenizers/pre-tokenizer.ts";
import type { TokenList } from "../models/token-list.ts";
import type { TokenMatch, TokenMatcher } from "../added-tokens/token-matcher.ts";
import { Utf8Buffer, fromUtf8 } from "../text/utf8.ts";
import { WordList } from "../pre-tokenizers/word-list.ts";

interface PipelineParts {
  readonly model: Pick<Model, "encodeWords"> & Partial<Pick<Model, "span" | "unknownBytes">>;
  readonly normalizer: Normalizer | undefined;
  readonly preTokenizer: PreTokenizer;
  readonly rawMatcher: TokenMatcher;
  readonly normalizedMatcher: TokenMatcher;
}

export class Pipeline {
  /** The text of the last `run`. */
  readonly text: Utf8Buffer = new Utf8Buffer();
  readonly #parts: PipelineParts;
  readonly #words: WordList = new WordList();
  #specialsAsText = false;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /**
   * Appends the tokens of a text to `out`; ranges, if wanted, are in bytes of `this.text`.
   * @param specialsAsText special tokens are not looked for.
   */
  run(text: string, out: TokenList, specialsAsText: boolean = false): void {
    this.#specialsAsText = specialsAsText;
    this.text.set(text);
    const { bytes, length } = this.text;
    this.#between(this.#parts.rawMatcher, { bytes, start: 0, end: length }, out, (piece) =>
      this.#normalized(piece, out),
    );
  }

  #normalized(raw: Piece, out: TokenList): void {
    const piece = this.#parts.normalizer?.normalize(raw) ?? raw;
    this.#between(this.#parts.normalizedMatcher, piece, out, (part) => this.#encodeWords(part, out));
  }

  /** Emits the added tokens found in a piece and hands on what lies between them. */
  #between(matcher: TokenMatcher, piece: Piece, out: TokenList, visit: (piece: Piece) => void): void {
    const matches = matcher.isEmpty ? undefined : matcher.find(piece.bytes, piece.start, piece.end);
    if (matches === undefined) {
      if (piece.start < piece.end) visit(piece);
      return;
    }
    let at = piece.start;
    for (const match of matches) {
      if (this.#specialsAsText && match.token.special) continue;
      if (at < match.start) visit(partOf(piece, at, match.start));
      this.#emit(match, piece, out);
      at = match.end;
    }
    if (at < piece.end) visit(partOf(piece, at, piece.end));
  }

  #emit({ token, start, end }: TokenMatch, piece: Piece, out: TokenList): void {
    if (!out.withOffsets) {
      out.push(token.id, 0, 0);
      return;
    }
    const text = fromUtf8(piece.bytes.subarray(start, end));
    if (text !== token.content) (out.texts ??= new Map()).set(out.length, text);
    out.push(token.id, originalStart(piece, start), originalEnd(piece, end, this.text.bytes));
  }

  #encodeWords(part: Piece, out: TokenList): void {
    const { model, preTokenizer } = this.#parts;
    const words = this.#words;
    const piece = preTokenizer.prepare(part);
    for (let at = piece.start; at < piece.end;) {
      at = preTokenizer.split(piece, at, words);
      const first = out.length;
      model.encodeWords(piece.bytes, words, out);
      if (out.withOffsets) this.#locate(piece, first, out);
    }
  }

  /** Fills in the ranges of the tokens that the words of one batch made. */
  #locate(piece: Piece, first: number, out: TokenList): void {
    const { ranges, ends, count } = this.#words;
    const { model } = this.#parts;
    let token = first;
    for (let word = 0; word < count; word++) {
      const wordStart = ranges[2 * word]!;
      let at = wordStart;
      const wordEnd = ranges[2 * word + 1]!;
      for (; token < ends[word]!; token++) {
        const span = model.span!(out.ids[token]!, wordEnd - at, at === wordStart);
        if (model.unknownBytes !== undefined) at = passOver(piece.bytes, at, 1, model.unknownBytes) - 1;
        const end = model.unknownBytes === undefined ? at + span : passOver(piece.bytes, at, span, model.unknownBytes);
        out.ranges[2 * token] = originalStart(piece, at);
        out.ranges[2 * token + 1] = originalEnd(piece, end, this.text.bytes);
        at = end;
      }
    }
  }
}

/** Where `count` bytes end that are known, from `at` on. */
function passOver(bytes: Uint8Array, at: number, count: number, unknown: Uint8Array): number {
  for (let left = count; left > 0; at++) if (unknown[bytes[at]!] === 0) left--;
  return at;
}
