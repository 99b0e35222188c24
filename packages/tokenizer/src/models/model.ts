/** What a model does for the tokenizer; implemented by byte-level BPE and WordPiece. */
import type { TokenList } from "./token-list.ts";
import type { WordList } from "../pre-tokenizers/word-list.ts";

export interface Model {
  /** Appends the tokens of each word to `out` and notes in `words.ends` where they end. */
  encodeWords(bytes: Uint8Array, words: WordList, out: TokenList): void;
  /** Bytes of a word that a token covers: `rest` of the word remain, `first` when it is the first of its word. */
  span(id: number, rest: number, first: boolean): number;
  /** Marks bytes that the model passes over because its vocabulary has no token for them; absent when it has all. */
  readonly unknownBytes?: Uint8Array | undefined;
  /** The token for what the vocabulary cannot write, if the model names one. */
  readonly unkToken: string | undefined;
  /** Highest id plus one. */
  readonly size: number;
  /** The text of a token as a tokenizer.json writes it, or undefined for an id without token. */
  idToToken(id: number): string | undefined;
  tokenToId(token: string): number | undefined;
  clearCache(): void;
  /** The `model` part of a tokenizer.json. */
  toJSON(): Record<string, unknown>;
}
