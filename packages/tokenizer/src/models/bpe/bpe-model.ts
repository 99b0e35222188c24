/**
 * Byte-level BPE (Sennrich et al. 2016; GPT-2): words in, token ids out. Three ways, the cheapest first: the word is
 * known as one token, it was merged lately, it is merged now.
 */
import { bytesToToken, tokenToBytes } from "../../text/byte-alphabet.ts";
import type { MergeTable } from "./merge-table.ts";
import { Merger } from "./merger.ts";
import type { Model } from "../model.ts";
import type { TokenList } from "../token-list.ts";
import { fromUtf8 } from "../../text/utf8.ts";
import { TokenIndex, type Vocabulary, hashBytes } from "../vocabulary.ts";
import { WordCache } from "./word-cache.ts";
import type { WordList } from "../../pre-tokenizers/word-list.ts";

interface BpeOptions {
  /** A word that is a token is taken as it is, even when the merges would not make it (Llama 3). */
  readonly ignoreMerges?: boolean;
  /** Kept for saving; a byte-level vocabulary has no unknown text. */
  readonly unkToken?: string | undefined;
  /** Tokens that are not written in the byte alphabet (added tokens that a vocabulary lists): stored, never matched. */
  readonly opaque?: ReadonlySet<number>;
}

export class BpeModel implements Model {
  readonly vocabulary: Vocabulary;
  readonly merges: MergeTable;
  readonly size: number;
  readonly unknownBytes: Uint8Array | undefined;
  readonly #ignoreMerges: boolean;
  readonly unkToken: string | undefined;
  readonly #opaque: ReadonlySet<number>;
  #opaqueIds: ReadonlyMap<string, number> | undefined;
  readonly #merger: Merger;
  readonly #cache: WordCache = new WordCache();
  /**
   * Words that are one token: those met so far that the merges have made into one, or the whole vocabulary where merges
   * are ignored. Each token is in it once at most.
   */
  readonly #whole: TokenIndex;

  constructor(vocabulary: Vocabulary, merges: MergeTable, options: BpeOptions = {}) {
    this.vocabulary = vocabulary;
    this.merges = merges;
    this.size = vocabulary.size;
    this.#ignoreMerges = options.ignoreMerges ?? false;
    this.unkToken = options.unkToken;
    this.#opaque = options.opaque ?? new Set();
    const byteIds = vocabulary.byteIds();
    // UTF-8 never has the 13 bytes that even whole vocabularies may lack.
    const lacks = byteIds.some((id, byte) => id < 0 && byte !== 0xc0 && byte !== 0xc1 && byte < 0xf5);
    this.unknownBytes = lacks ? Uint8Array.from(byteIds, (id) => (id < 0 ? 1 : 0)) : undefined;
    this.#merger = new Merger(merges, byteIds, (id) => vocabulary.byteLength(id));
    this.#whole = this.#ignoreMerges ? vocabulary.index : new TokenIndex(vocabulary);
  }

  /** Appends the tokens of each word to `out` and notes in `words.ends` where they end. */
  encodeWords(bytes: Uint8Array, words: WordList, out: TokenList): void {
    const { ranges, ends, count } = words;
    if (count === 0) return;
    out.reserve(ranges[2 * count - 1]! - ranges[0]!);
    const whole = this.#whole;
    const { ids } = out;
    let length = out.length;
    for (let word = 0; word < count; word++) {
      const start = ranges[2 * word]!;
      const end = ranges[2 * word + 1]!;
      const hash = hashBytes(bytes, start, end);
      const id = whole.find(bytes, start, end, hash);
      if (id >= 0) ids[length++] = id;
      else length = this.#encodeRare(bytes, start, end, hash, ids, length);
      ends[word] = length;
    }
    out.length = length;
  }

  /** A word that is not known as one token; returns where its tokens end. */
  #encodeRare(bytes: Uint8Array, start: number, end: number, hash: number, ids: Int32Array, at: number): number {
    const known = this.#cache.get(bytes, start, end, hash, ids, at);
    if (known > 0) return at + known;
    const after = this.#merger.merge(bytes, start, end, ids, at);
    // A single token may stand for less than the word when the vocabulary lacks a byte of it.
    const single = after - at === 1 && this.vocabulary.byteLength(ids[at]!) === end - start;
    if (single) this.#whole.insert(ids[at]!, hash);
    else this.#cache.set(bytes, start, end, hash, ids, at, after - at);
    return after;
  }

  span(id: number): number {
    return this.vocabulary.byteLength(id);
  }

  idToToken(id: number): string | undefined {
    if (!(id >= 0 && id < this.size) || this.vocabulary.byteLength(id) === 0) return undefined;
    const bytes = this.vocabulary.tokenBytes(id);
    return this.#opaque.has(id) ? fromUtf8(bytes) : bytesToToken(bytes);
  }

  tokenToId(token: string): number | undefined {
    const bytes = tokenToBytes(token);
    if (bytes !== undefined) {
      const id = this.vocabulary.find(bytes, 0, bytes.length);
      return id < 0 ? undefined : id;
    }
    this.#opaqueIds ??= new Map(Array.from(this.#opaque, (id) => [this.idToToken(id)!, id]));
    return this.#opaqueIds.get(token);
  }

  toJSON(): Record<string, unknown> {
    const { pairs } = this.merges;
    const vocab: Record<string, number> = {};
    for (let id = 0; id < this.size; id++) {
      const token = this.idToToken(id);
      if (token !== undefined) vocab[token] = id;
    }
    return {
      type: "BPE",
      dropout: null,
      unk_token: this.unkToken ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: this.#ignoreMerges,
      vocab,
      merges: Array.from(this.merges.made, (_, rank) =>
        [pairs[2 * rank]!, pairs[2 * rank + 1]!].map((id) => this.idToToken(id)),
      ),
    };
  }

  /** Forgets the words met so far; results never change by it. */
  clearCache(): void {
    this.#cache.clear();
    if (!this.#ignoreMerges) this.#whole.clear();
  }
}
