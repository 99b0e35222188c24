/**
 * Finds added tokens in bytes: leftmost first, longest among those that start there. A trie whose edges stand in one
 * hash table, entered only where the first two bytes can start a token; time is bounded by text length times the
 * longest token.
 */
import { isSpace, isWordCharacter } from "../text/unicode.ts";
import { characterLength, codePointAt, previousCharacter, toUtf8 } from "../text/utf8.ts";

/** A token that stands outside the model: matched in the text before the model sees it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Matches only where no word character stands beside it. */
  readonly singleWord: boolean;
  /** The match takes the blanks on its left with it. */
  readonly lstrip: boolean;
  /** The match takes the blanks on its right with it. */
  readonly rstrip: boolean;
  /** Looked for in the normalised text, in its own normalised form; else in the raw text. */
  readonly normalized: boolean;
  /** Left out by decoding with `skipSpecialTokens`. */
  readonly special: boolean;
}

/** One match: `token` over bytes [start, end), blanks included. */
export interface TokenMatch {
  readonly token: AddedToken;
  readonly start: number;
  readonly end: number;
}

export class TokenMatcher {
  readonly #tokens: readonly AddedToken[];
  /** node * 256 + byte → child node. */
  readonly #edges: Map<number, number> = new Map();
  /** Index of the token that ends at a node, or -1. */
  readonly #ends: number[] = [-1];
  readonly #firstBytes: Uint8Array = new Uint8Array(256);
  readonly #firstPairs: Uint8Array = new Uint8Array(1 << 13);

  /** `patterns` are the texts to look for, one for each token. */
  constructor(tokens: readonly AddedToken[], patterns: readonly string[]) {
    this.#tokens = tokens;
    patterns.forEach((pattern, index) => this.#insert(toUtf8(pattern), index));
  }

  get isEmpty(): boolean {
    return this.#tokens.length === 0;
  }

  #insert(bytes: Uint8Array, index: number): void {
    if (bytes.length === 0) return;
    let node = 0;
    for (const byte of bytes) {
      let child = this.#edges.get(node * 256 + byte);
      if (child === undefined) {
        child = this.#ends.push(-1) - 1;
        this.#edges.set(node * 256 + byte, child);
      }
      node = child;
    }
    this.#ends[node] = index;
    this.#firstBytes[bytes[0]!] = bytes.length === 1 ? 2 : this.#firstBytes[bytes[0]!]! || 1;
    if (bytes.length > 1) {
      const pair = (bytes[0]! << 8) | bytes[1]!;
      this.#firstPairs[pair >> 3]! |= 1 << (pair & 7);
    }
  }

  /** All matches in bytes[start, end), in order; undefined when there is none. */
  find(bytes: Uint8Array, start: number, end: number): TokenMatch[] | undefined {
    const firstBytes = this.#firstBytes;
    const firstPairs = this.#firstPairs;
    let found: TokenMatch[] | undefined;
    let taken = start; // end of the last match
    for (let at = start; at < end; at++) {
      const first = firstBytes[bytes[at]!]!;
      if (first === 0) continue;
      if (first === 1) {
        if (at + 1 >= end) break;
        const pair = (bytes[at]! << 8) | bytes[at + 1]!;
        if ((firstPairs[pair >> 3]! & (1 << (pair & 7))) === 0) continue;
      }
      const [index, stop] = this.#longestAt(bytes, at, end);
      if (index < 0) continue;
      const token = this.#tokens[index]!;
      const match = this.#accept(token, bytes, at, stop, start, end, taken);
      if (match !== undefined) {
        (found ??= []).push(match);
        taken = match.end;
      }
      at = stop - 1; // the search goes on behind the token itself, even when blanks were taken with it
    }
    return found;
  }

  #longestAt(bytes: Uint8Array, at: number, end: number): [index: number, stop: number] {
    let best = -1;
    let stop = at;
    for (let node: number | undefined = 0, i = at; i < end;) {
      node = this.#edges.get(node * 256 + bytes[i]!);
      if (node === undefined) break;
      i++;
      if (this.#ends[node]! >= 0) {
        best = this.#ends[node]!;
        stop = i;
      }
    }
    return [best, stop];
  }

  /** Applies single_word, lstrip and rstrip to a match at [at, stop) of a text that spans [start, end). */
  #accept(
    token: AddedToken,
    bytes: Uint8Array,
    at: number,
    stop: number,
    start: number,
    end: number,
    taken: number,
  ): TokenMatch | undefined {
    if (token.singleWord) {
      if (at > start && isWordCharacter(codePointAt(bytes, previousCharacter(bytes, at)))) return undefined;
      if (stop < end && isWordCharacter(codePointAt(bytes, stop))) return undefined;
    }
    let from = at;
    if (token.lstrip) {
      while (from > start) {
        const before = previousCharacter(bytes, from);
        if (!isSpace(codePointAt(bytes, before))) break;
        from = before;
      }
      from = Math.max(from, taken);
    }
    let to = stop;
    if (token.rstrip) {
      while (to < end && isSpace(codePointAt(bytes, to))) to += characterLength(bytes[to]!);
    }
    // Blanks that the match before has taken leave nothing of a token made of blanks.
    return from < to ? { token, start: from, end: to } : undefined;
  }
}
