/**
 * Byte-level BPE (Sennrich et al. 2016; GPT-2): words in, token ids out. Three ways, the cheapest first: the word is
 * itself a token, it was merged lately, it is merged now.
 */
import { bytesToToken, tokenToBytes } from "./byte-alphabet.ts";
import type { MergeTable } from "./merge-table.ts";
import { Merger } from "./merger.ts";
import type { Model } from "./model.ts";
import type { TokenList } from "./token-list.ts";
import { fromUtf8 } from "./utf8.ts";
import { hashBytes, type Vocabulary } from "./vocabulary.ts";
import { WordCache } from "./word-cache.ts";
import type { WordList } from "./word-list.ts";

const UNKNOWN = 0;
const WHOLE = 1;
const SPLITS = 2;

export interface BpeOptions {
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
  private readonly ignoreMerges: boolean;
  private readonly unkToken: string | undefined;
  private readonly opaque: ReadonlySet<number>;
  private readonly merger: Merger;
  private readonly cache: WordCache = new WordCache();
  /** Whether the merges make this token out of its own bytes; found out when it is first met as a word. */
  private readonly wholeness: Uint8Array;

  constructor(vocabulary: Vocabulary, merges: MergeTable, options: BpeOptions = {}) {
    this.vocabulary = vocabulary;
    this.merges = merges;
    this.size = vocabulary.size;
    this.ignoreMerges = options.ignoreMerges ?? false;
    this.unkToken = options.unkToken;
    this.opaque = options.opaque ?? new Set();
    const byteIds = Int32Array.from({ length: 256 }, (_, byte) => vocabulary.find(Uint8Array.of(byte), 0, 1));
    this.merger = new Merger(merges, byteIds, (id) => vocabulary.byteLength(id));
    this.wholeness = new Uint8Array(vocabulary.size).fill(this.ignoreMerges ? WHOLE : UNKNOWN);
  }

  /** Appends the tokens of each word to `out` and notes in `words.ends` where they end. */
  encodeWords(bytes: Uint8Array, words: WordList, out: TokenList): void {
    const { ranges, ends, count } = words;
    if (count === 0) return;
    out.reserve(ranges[2 * count - 1]! - ranges[0]!);
    const { vocabulary, wholeness } = this;
    const { ids } = out;
    let length = out.length;
    for (let word = 0; word < count; word++) {
      const start = ranges[2 * word]!;
      const end = ranges[2 * word + 1]!;
      const hash = hashBytes(bytes, start, end);
      const id = vocabulary.findHashed(bytes, start, end, hash);
      if (id >= 0 && wholeness[id] === WHOLE) ids[length++] = id;
      else length = this.encodeRare(bytes, start, end, hash, id, ids, length);
      ends[word] = length;
    }
    out.length = length;
  }

  /** A word that is no token, or a token not yet proved to be made by the merges. */
  private encodeRare(
    bytes: Uint8Array,
    start: number,
    end: number,
    hash: number,
    id: number,
    ids: Int32Array,
    at: number,
  ): number {
    const known = this.cache.get(bytes, start, end, hash, ids, at);
    if (known > 0) return at + known;
    const after = this.merger.merge(bytes, start, end, ids, at);
    if (id >= 0 && this.wholeness[id] === UNKNOWN) {
      this.wholeness[id] = after - at === 1 && ids[at] === id ? WHOLE : SPLITS;
    } else {
      this.cache.set(bytes, start, end, hash, ids, at, after - at);
    }
    return after;
  }

  span(id: number): number {
    return this.vocabulary.byteLength(id);
  }

  idToToken(id: number): string | undefined {
    if (!(id >= 0 && id < this.size) || this.vocabulary.byteLength(id) === 0) return undefined;
    const bytes = this.vocabulary.tokenBytes(id);
    return this.opaque.has(id) ? fromUtf8(bytes) : bytesToToken(bytes);
  }

  tokenToId(token: string): number | undefined {
    const bytes = tokenToBytes(token);
    if (bytes !== undefined) {
      const id = this.vocabulary.find(bytes, 0, bytes.length);
      return id < 0 ? undefined : id;
    }
    for (const id of this.opaque) if (this.idToToken(id) === token) return id;
    return undefined;
  }

  toJSON(): Record<string, unknown> {
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
      ignore_merges: this.ignoreMerges,
      vocab,
      merges: this.merges.pairs().map(([left, right]) => [this.idToToken(left)!, this.idToToken(right)!]),
    };
  }

  /** Forgets the words met so far; results never change by it. */
  clearCache(): void {
    this.cache.clear();
    if (!this.ignoreMerges) this.wholeness.fill(UNKNOWN);
  }
}
