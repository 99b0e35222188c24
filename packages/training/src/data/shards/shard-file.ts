/** Writes one shard: token ids as they come, through a buffer, and where documents begin at the end. */
import { DataError } from "../../errors.ts";
import { documentIds, dtypeOf, tokenArray } from "./document-ids.ts";
import type { TokenArray } from "./document-ids.ts";
import { HashedFile, writeHashed } from "./hashed-file.ts";
import type { ShardEntry } from "./shard-format.ts";

const BUFFER_TOKENS = 1 << 20;

export class TokenShardFile {
  readonly #directory: string;
  readonly #name: string;
  readonly #vocabSize: number;
  readonly #data: HashedFile;
  readonly #buffer: TokenArray;
  #buffered = 0;
  /** Ends of documents, in tokens. */
  readonly #ends: number[] = [];

  /** `index`: its number among the shards of the folder. */
  constructor(directory: string, index: number, vocabSize: number) {
    this.#directory = directory;
    this.#name = `shard-${String(index).padStart(5, "0")}`;
    this.#vocabSize = vocabSize;
    this.#data = new HashedFile(directory, `${this.#name}.bin`);
    this.#buffer = tokenArray(dtypeOf(vocabSize), BUFFER_TOKENS);
  }

  get tokens(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** @throws DataError `invalid` (a document of no tokens, ids outside the vocabulary), `io`. */
  add(ids: ArrayLike<number>): void {
    const values = documentIds(ids, this.#vocabSize);
    const end = this.tokens + ids.length;
    if (end >= 2 ** 32)
      throw new DataError("invalid", "TokenShardWriter", `expected a shard below 2^32 tokens, got ${end}`);
    for (let at = 0; at < values.length;) {
      if (this.#buffered === BUFFER_TOKENS) this.#flush();
      const part = values.subarray(at, at + BUFFER_TOKENS - this.#buffered);
      this.#buffer.set(part, this.#buffered);
      this.#buffered += part.length;
      at += part.length;
    }
    this.#ends.push(end);
  }

  /** Completes and syncs both files. @throws DataError `io`. */
  finish(): ShardEntry {
    this.#flush();
    const data = this.#data.finish();
    const offsets = new Uint32Array(this.#ends.length + 1);
    offsets.set(this.#ends, 1);
    const index = writeHashed(this.#directory, `${this.#name}.idx`, new Uint8Array(offsets.buffer));
    return { documents: this.#ends.length, tokens: this.tokens, data, index };
  }

  abort(): void {
    this.#data.close();
  }

  #flush(): void {
    this.#data.write(new Uint8Array(this.#buffer.buffer, 0, this.#buffered * this.#buffer.BYTES_PER_ELEMENT));
    this.#buffered = 0;
  }
}
