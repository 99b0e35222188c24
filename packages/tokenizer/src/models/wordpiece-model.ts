/**
 * WordPiece (Devlin et al. 2018), for BERT checkpoints: a word is cut greedily into the longest pieces of the
 * vocabulary, pieces after the first carry a prefix; a word that cannot be cut, or is too long, is unknown.
 */
import type { JsonField } from "../json-field.ts";
import type { Model } from "./model.ts";
import type { TokenList } from "./token-list.ts";
import { characterLength, fromUtf8, previousCharacter, toUtf8 } from "../text/utf8.ts";
import { type Vocabulary, vocabularyOf } from "./vocabulary.ts";
import type { WordList } from "../pre-tokenizers/word-list.ts";

interface WordPieceOptions {
  readonly unkToken: string;
  /** Prefix of the pieces after the first. */
  readonly prefix: string;
  /** Words of more characters are unknown. */
  readonly maxCharacters: number;
}

export class WordPieceModel implements Model {
  readonly size: number;
  readonly options: WordPieceOptions;
  readonly unkToken: string;
  readonly #vocabulary: Vocabulary;
  readonly #unknown: number;
  readonly #prefix: Uint8Array;
  readonly #longest: number;
  readonly #buffer: Uint8Array;

  constructor(vocabulary: Vocabulary, options: WordPieceOptions) {
    this.#vocabulary = vocabulary;
    this.options = options;
    this.unkToken = options.unkToken;
    this.size = vocabulary.size;
    this.#prefix = toUtf8(options.prefix);
    this.#unknown = this.tokenToId(options.unkToken) ?? -1;
    let longest = 0;
    for (let id = 0; id < this.size; id++) longest = Math.max(longest, vocabulary.byteLength(id));
    this.#longest = longest;
    this.#buffer = new Uint8Array(longest + this.#prefix.length);
  }

  static read(model: JsonField, ids: ReadonlyMap<string, number>): WordPieceModel {
    const unkToken = model.get("unk_token").string();
    if (!ids.has(unkToken)) model.get("unk_token").refuse("a token of the vocabulary");
    return new WordPieceModel(vocabularyOf(ids, toUtf8), {
      unkToken,
      prefix: model.get("continuing_subword_prefix").string(),
      maxCharacters: model.get("max_input_chars_per_word").count(),
    });
  }

  encodeWords(bytes: Uint8Array, words: WordList, out: TokenList): void {
    const { ranges, ends, count } = words;
    if (count > 0) out.reserve(ranges[2 * count - 1]! - ranges[0]!);
    for (let word = 0; word < count; word++) {
      this.#encodeWord(bytes, ranges[2 * word]!, ranges[2 * word + 1]!, out);
      ends[word] = out.length;
    }
  }

  span(id: number, rest: number, first: boolean): number {
    if (id === this.#unknown) return rest;
    return this.#vocabulary.byteLength(id) - (first ? 0 : this.#prefix.length);
  }

  idToToken(id: number): string | undefined {
    if (!(id >= 0 && id < this.size) || this.#vocabulary.byteLength(id) === 0) return undefined;
    return fromUtf8(this.#vocabulary.tokenBytes(id));
  }

  tokenToId(token: string): number | undefined {
    const bytes = toUtf8(token);
    const id = this.#vocabulary.find(bytes, 0, bytes.length);
    return id < 0 ? undefined : id;
  }

  clearCache(): void {
    // There is no cache: a lookup is as cheap as one.
  }

  toJSON(): Record<string, unknown> {
    const { unkToken, prefix, maxCharacters } = this.options;
    const vocab: Record<string, number> = {};
    for (let id = 0; id < this.size; id++) {
      const token = this.idToToken(id);
      if (token !== undefined) vocab[token] = id;
    }
    return {
      type: "WordPiece",
      unk_token: unkToken,
      continuing_subword_prefix: prefix,
      max_input_chars_per_word: maxCharacters,
      vocab,
    };
  }

  #encodeWord(bytes: Uint8Array, start: number, end: number, out: TokenList): void {
    const before = out.length;
    let characters = 0;
    for (let at = start; at < end && characters <= this.options.maxCharacters; characters++)
      at += characterLength(bytes[at]!);
    let known = characters <= this.options.maxCharacters;
    for (let at = start; known && at < end;) {
      const stop = this.#longestPiece(bytes, at, end, at === start, out);
      known = stop > at;
      at = stop;
    }
    if (known) return;
    out.length = before;
    out.ids[out.length++] = this.#unknown;
  }

  /** Appends the longest piece that starts at `at` and returns its end, or `at` when there is none. */
  #longestPiece(bytes: Uint8Array, at: number, end: number, first: boolean, out: TokenList): number {
    const prefix = first ? 0 : this.#prefix.length;
    const buffer = this.#buffer;
    const vocabulary = this.#vocabulary;
    let stop = Math.min(end, at + this.#longest - prefix);
    while (stop < end && stop > at && (bytes[stop]! & 0xc0) === 0x80) stop--;
    if (stop <= at) return at;
    buffer.set(this.#prefix.subarray(0, prefix));
    buffer.set(bytes.subarray(at, stop), prefix);
    for (; stop > at; stop = previousCharacter(bytes, stop)) {
      const id = vocabulary.find(buffer, 0, prefix + stop - at);
      if (id < 0) continue;
      out.ids[out.length++] = id;
      return stop;
    }
    return at;
  }
}
