/**
 * The tokens of a model: all their bytes in one array, and an index from bytes to id. No strings are kept; a lookup
 * reads a slot (hash, id) and compares bytes, and allocates nothing.
 */
export class Vocabulary {
  /** Highest id plus one; ids may have holes. */
  readonly size: number;
  readonly bytes: Uint8Array;
  /** Token i is bytes[starts[i], starts[i + 1]). */
  readonly starts: Uint32Array;
  readonly #hidden: ((id: number) => boolean) | undefined;
  #whole: TokenIndex | undefined;

  /** `hidden` marks ids that a lookup must never find (added tokens that a vocabulary lists). */
  constructor(bytes: Uint8Array, starts: Uint32Array, hidden?: (id: number) => boolean) {
    this.size = starts.length - 1;
    this.bytes = bytes;
    this.starts = starts;
    this.#hidden = hidden;
  }

  /** The index of all tokens, built when first asked for. */
  get index(): TokenIndex {
    if (this.#whole === undefined) {
      this.#whole = new TokenIndex(this);
      for (let id = 0; id < this.size; id++) {
        if (this.byteLength(id) === 0 || this.#hidden?.(id)) continue;
        this.#whole.insert(id, hashBytes(this.bytes, this.starts[id]!, this.starts[id + 1]!));
      }
    }
    return this.#whole;
  }

  /** Id of the token with exactly these bytes, or -1. */
  find(text: Uint8Array, start: number, end: number): number {
    return this.index.find(text, start, end, hashBytes(text, start, end));
  }

  /** Id of the token of each single byte, -1 where there is none. */
  byteIds(): Int32Array {
    const ids = new Int32Array(256).fill(-1);
    for (let id = 0; id < this.size; id++) {
      if (this.byteLength(id) === 1 && !this.#hidden?.(id)) ids[this.bytes[this.starts[id]!]!] = id;
    }
    return ids;
  }

  /** Length of a token in bytes. */
  byteLength(id: number): number {
    return this.starts[id + 1]! - this.starts[id]!;
  }

  tokenBytes(id: number): Uint8Array {
    return this.bytes.subarray(this.starts[id]!, this.starts[id + 1]!);
  }
}

/** An open-addressed hash table of tokens of one vocabulary, at most half full. */
export class TokenIndex {
  readonly #vocabulary: Vocabulary;
  /** Pairs of hash and id, -1 in a free slot. */
  readonly #slots: Int32Array;
  readonly #mask: number;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    const capacity = 1 << Math.ceil(Math.log2(Math.max(16, vocabulary.size * 2)));
    this.#mask = capacity - 1;
    this.#slots = new Int32Array(capacity * 2).fill(-1);
  }

  /** Puts in a token that is not yet here; `hash` is that of its bytes. */
  insert(id: number, hash: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = hash & mask;
    while (slots[2 * slot + 1]! >= 0) slot = (slot + 1) & mask;
    slots[2 * slot] = hash;
    slots[2 * slot + 1] = id;
  }

  /** Id of the token here with exactly these bytes, or -1. */
  find(text: Uint8Array, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = slots[2 * slot + 1]!;
      if (id < 0) return -1;
      if (slots[2 * slot] === hash && this.#equals(id, text, start, end)) return id;
    }
  }

  clear(): void {
    this.#slots.fill(-1);
  }

  #equals(id: number, text: Uint8Array, start: number, end: number): boolean {
    const { bytes, starts } = this.#vocabulary;
    let at = starts[id]!;
    if (starts[id + 1]! - at !== end - start) return false;
    while (start < end) if (bytes[at++] !== text[start++]) return false;
    return true;
  }
}

/** The vocabulary of tokens given with their ids, by the bytes that `bytesOf` says they stand for. */
export function vocabularyOf(
  ids: ReadonlyMap<string, number>,
  bytesOf: (token: string) => Uint8Array,
  hidden?: ReadonlySet<number>,
): Vocabulary {
  let size = 0;
  for (const id of ids.values()) size = Math.max(size, id + 1);
  const tokens: (Uint8Array | undefined)[] = Array.from({ length: size }); // ids may have holes
  for (const [token, id] of ids) tokens[id] = bytesOf(token);
  const starts = new Uint32Array(size + 1);
  for (let id = 0; id < size; id++) starts[id + 1] = starts[id]! + (tokens[id]?.length ?? 0);
  const bytes = new Uint8Array(starts[size]!);
  tokens.forEach((token, id) => {
    if (token !== undefined) bytes.set(token, starts[id]);
  });
  return new Vocabulary(bytes, starts, (id) => hidden?.has(id) ?? false);
}

/** FNV-1a with a last mix, so that the low bits serve as a table index. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = -2128831035;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 16777619);
  hash ^= hash >>> 15;
  return hash;
}
