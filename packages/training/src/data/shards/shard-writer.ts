/**
 * Writes tokenized documents as shards (format: `shard-format.ts`), streaming: memory is one buffer and one shard's index.
 * Everything is written aside and renamed at the end, the manifest last, so that a killed writer leaves nothing that looks
 * like a data set and never touches one that exists.
 */
import { createHash, type Hash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { AtomicDirectory } from "../../files/atomic-directory.ts";
import { checkInteger, DataError, ioError } from "../../errors.ts";
import { assertLittleEndian, MANIFEST_FILE, SHARD_FORMAT, SHARD_FORMAT_VERSION } from "./shard-format.ts";
import type { ShardEntry, ShardFile, ShardManifest, TokenDType } from "./shard-format.ts";

export interface TokenShardWriterOptions {
  /** Folder to make; it must not exist or be empty. */
  readonly directory: string;
  /** Ids must be below; up to 65,536 they take 2 bytes, above 4. */
  readonly vocabSize: number;
  /** Hash of source, tokenizer and settings, see `fingerprint`. */
  readonly fingerprint: string;
  /** A shard closes when it holds so many tokens (default 2^26; at most 2^30). */
  readonly shardTokens?: number;
}

const BUFFER_TOKENS = 1 << 20;

/** A file written in pieces and hashed on the way. */
class HashedFile {
  readonly #name: string;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #hash: Hash = createHash("sha256");
  #bytes = 0;
  #open = true;

  constructor(directory: string, name: string) {
    this.#name = name;
    this.#path = join(directory, name);
    this.#descriptor = fs.openSync(this.#path, "wx");
  }

  write(data: Uint8Array): void {
    try {
      for (let done = 0; done < data.length;) done += fs.writeSync(this.#descriptor, data, done, data.length - done);
    } catch (error) {
      throw ioError("TokenShardWriter", this.#path, error);
    }
    this.#hash.update(data);
    this.#bytes += data.length;
  }

  finish(): ShardFile {
    fs.fsyncSync(this.#descriptor);
    this.close();
    return { file: this.#name, bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    fs.closeSync(this.#descriptor);
  }
}

export class TokenShardWriter {
  readonly #options: Required<TokenShardWriterOptions>;
  readonly #dtype: TokenDType;
  readonly #aside: AtomicDirectory;
  readonly #buffer: Uint16Array | Uint32Array;
  readonly #shards: ShardEntry[] = [];
  #buffered = 0;
  #data: HashedFile | undefined;
  /** Ends of the documents of the open shard, in tokens. */
  #ends: number[] = [];
  #state: "open" | "finished" | "aborted" = "open";

  /** @throws DataError `invalid` (arguments, folder in use), `io`. */
  constructor(options: TokenShardWriterOptions) {
    assertLittleEndian("TokenShardWriter");
    this.#options = { shardTokens: 2 ** 26, ...options };
    checkInteger("TokenShardWriter", "vocabSize", options.vocabSize, 1, 2 ** 31 - 1);
    checkInteger("TokenShardWriter", "shardTokens", this.#options.shardTokens, 1, 2 ** 30);
    this.#dtype = options.vocabSize <= 2 ** 16 ? "u16" : "u32";
    this.#buffer = this.#dtype === "u16" ? new Uint16Array(BUFFER_TOKENS) : new Uint32Array(BUFFER_TOKENS);
    this.#aside = new AtomicDirectory(options.directory);
  }

  /** Appends one document of at least one token. After an error the writer is aborted. */
  add(ids: ArrayLike<number>): void {
    this.#guarded(() => {
      const { vocabSize, shardTokens } = this.#options;
      const begin = this.#ends.at(-1) ?? 0;
      if (ids.length === 0)
        throw new DataError(
          "invalid",
          "TokenShardWriter",
          "expected a document of at least 1 token, got 0; leave it out",
        );
      if (begin + ids.length >= 2 ** 32)
        throw new DataError(
          "invalid",
          "TokenShardWriter",
          `expected a shard below 2^32 tokens, got ${begin + ids.length}`,
        );
      this.#data ??= new HashedFile(this.#aside.path, `${this.#shardName()}.bin`);
      for (let i = 0; i < ids.length; i++) {
        const id = ids[i]!;
        if (!(Number.isInteger(id) && id >= 0 && id < vocabSize))
          throw new DataError(
            "invalid",
            "TokenShardWriter",
            `expected token ids in 0..${vocabSize - 1}, got ${id}; the tokenizer and vocabSize do not belong together`,
          );
        if (this.#buffered === BUFFER_TOKENS) this.#flush();
        this.#buffer[this.#buffered++] = id;
      }
      this.#ends.push(begin + ids.length);
      if (begin + ids.length >= shardTokens) this.#closeShard();
    });
  }

  /** Completes the set and moves it to its folder. @throws DataError `invalid` (no document), `io`. */
  finish(): ShardManifest {
    return this.#guarded(() => {
      if (this.#ends.length > 0) this.#closeShard();
      if (this.#shards.length === 0)
        throw new DataError("invalid", "TokenShardWriter", "expected at least 1 document, got 0; check the source");
      const manifest: ShardManifest = {
        format: SHARD_FORMAT,
        version: SHARD_FORMAT_VERSION,
        dtype: this.#dtype,
        vocabSize: this.#options.vocabSize,
        fingerprint: this.#options.fingerprint,
        documents: this.#shards.reduce((sum, shard) => sum + shard.documents, 0),
        tokens: this.#shards.reduce((sum, shard) => sum + shard.tokens, 0),
        shards: this.#shards,
      };
      this.#writeFile(MANIFEST_FILE, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
      this.#aside.commit();
      this.#state = "finished";
      return manifest;
    });
  }

  /** Deletes what was written; nothing happens after {@link finish}. */
  abort(): void {
    if (this.#state !== "open") return;
    this.#state = "aborted";
    this.#data?.close();
    this.#aside.discard();
  }

  #guarded<T>(action: () => T): T {
    if (this.#state !== "open")
      throw new DataError("invalid", "TokenShardWriter", `expected an open writer, got one that is ${this.#state}`);
    try {
      return action();
    } catch (error) {
      this.abort();
      throw ioError("TokenShardWriter", this.#options.directory, error);
    }
  }

  #shardName(): string {
    return `shard-${String(this.#shards.length).padStart(5, "0")}`;
  }

  #flush(): void {
    this.#data!.write(new Uint8Array(this.#buffer.buffer, 0, this.#buffered * this.#buffer.BYTES_PER_ELEMENT));
    this.#buffered = 0;
  }

  #closeShard(): void {
    this.#flush();
    const data = this.#data!.finish();
    this.#data = undefined;
    const offsets = new Uint32Array(this.#ends.length + 1);
    offsets.set(this.#ends, 1);
    const index = this.#writeFile(`${this.#shardName()}.idx`, new Uint8Array(offsets.buffer));
    this.#shards.push({ documents: this.#ends.length, tokens: offsets.at(-1)!, data, index });
    this.#ends = [];
  }

  #writeFile(name: string, data: Uint8Array): ShardFile {
    const file = new HashedFile(this.#aside.path, name);
    try {
      file.write(data);
      return file.finish();
    } finally {
      file.close();
    }
  }
}
