/**
 * Writes tokenized documents as shards (format: `shard-format.ts`), streaming: memory is one buffer and one shard's index.
 * Everything is written aside and renamed at the end, the manifest last, so that a killed writer leaves nothing that looks
 * like a data set and never touches one that exists.
 */
import { AtomicDirectory } from "../../files/atomic-directory.ts";
import { checkInteger, DataError, ioError } from "../../errors.ts";
import { writeShardManifest } from "./output-formats.ts";
import { assertLittleEndian } from "./shard-format.ts";
import type { ShardEntry, ShardManifest } from "./shard-format.ts";
import { TokenShardFile } from "./shard-file.ts";

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

export class TokenShardWriter {
  readonly #options: Required<TokenShardWriterOptions>;
  readonly #aside: AtomicDirectory;
  readonly #shards: ShardEntry[] = [];
  #open: TokenShardFile | undefined;
  #state: "open" | "finished" | "aborted" = "open";

  /** @throws DataError `invalid` (arguments, folder in use), `io`. */
  constructor(options: TokenShardWriterOptions) {
    assertLittleEndian("TokenShardWriter");
    this.#options = { shardTokens: 2 ** 26, ...options };
    checkInteger("TokenShardWriter", "vocabSize", options.vocabSize, 1, 2 ** 31 - 1);
    checkInteger("TokenShardWriter", "shardTokens", this.#options.shardTokens, 1, 2 ** 30);
    this.#aside = new AtomicDirectory(options.directory);
  }

  /** Appends one document of at least one token. After an error the writer is aborted. */
  add(ids: ArrayLike<number>): void {
    this.#guarded(() => {
      this.#open ??= new TokenShardFile(this.#aside.path, this.#shards.length, this.#options.vocabSize);
      this.#open.add(ids);
      if (this.#open.tokens >= this.#options.shardTokens) this.#closeShard();
    });
  }

  /** Completes the set and moves it to its folder. @throws DataError `invalid` (no document), `io`. */
  finish(): ShardManifest {
    return this.#guarded(() => {
      this.#closeShard();
      if (this.#shards.length === 0)
        throw new DataError("invalid", "TokenShardWriter", "expected at least 1 document, got 0; check the source");
      const manifest = writeShardManifest(this.#aside.path, this.#shards, this.#options);
      this.#aside.commit();
      this.#state = "finished";
      return manifest;
    });
  }

  /** Deletes what was written; nothing happens after {@link finish}. */
  abort(): void {
    if (this.#state !== "open") return;
    this.#state = "aborted";
    this.#open?.abort();
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

  #closeShard(): void {
    if (this.#open) this.#shards.push(this.#open.finish());
    this.#open = undefined;
  }
}
