/**
 * Random access to token shards. Indexes are always in memory (4 bytes a document). A shard is read whole, once, when it is
 * first touched, as long as all of them stay under `memoryLimit`; documents of further shards are read from disk one by one
 * (a full shuffle touches one document per place, so larger pieces would only read what nobody asked for). `residency()` tells.
 */
import fs from "node:fs";
import { join } from "node:path";
import { DataError, ioError } from "../../errors.ts";
import { fileSha256 } from "../../files/fingerprint.ts";
import { readFully } from "./read-fully.ts";
import type { DocumentStore } from "../packing/sequences.ts";
import { assertLittleEndian, bytesPerToken, readShardManifest } from "./shard-format.ts";
import type { ShardEntry, ShardManifest } from "./shard-format.ts";

export interface OpenTokenShardsOptions {
  /** The vocabulary size that the model and tokenizer have; another one in the data is an error. */
  readonly vocabSize?: number;
  /** Bytes of token data to keep in memory (default 2^31). */
  readonly memoryLimit?: number;
}

type Tokens = Uint16Array | Uint32Array;

interface Shard {
  readonly entry: ShardEntry;
  readonly path: string;
  readonly firstDocument: number;
  /** Token offsets [documents + 1]. */
  readonly offsets: Uint32Array;
  tokens: Tokens | undefined;
  descriptor: number | undefined;
}

const OPERATION = "openTokenShards";

/**
 * Opens a finished folder; checks the manifest, the sizes of all files and the order of the indexes (not the hashes: see `verify`).
 * @throws DataError `missing`, `corrupt`, `mismatch` (vocabulary), `io`.
 */
export function openTokenShards(directory: string, options: OpenTokenShardsOptions = {}): TokenShardReader {
  return new TokenShardReader(directory, options);
}

export class TokenShardReader implements DocumentStore {
  readonly directory: string;
  readonly manifest: ShardManifest;
  readonly #shards: readonly Shard[];
  readonly #memoryLimit: number;
  #residentBytes = 0;
  #diskReads = 0;

  constructor(directory: string, { vocabSize, memoryLimit = 2 ** 31 }: OpenTokenShardsOptions) {
    assertLittleEndian(OPERATION);
    this.directory = directory;
    this.manifest = readShardManifest(directory);
    this.#memoryLimit = memoryLimit;
    if (vocabSize !== undefined && vocabSize !== this.manifest.vocabSize)
      throw new DataError(
        "mismatch",
        OPERATION,
        `expected tokens of a vocabulary of ${vocabSize}, got ${this.manifest.vocabSize} in ${directory}; ` +
          "tokenize again with the tokenizer of this model",
      );
    let firstDocument = 0;
    this.#shards = this.manifest.shards.map((entry) => {
      const shard = openShard(directory, entry, firstDocument);
      firstDocument += entry.documents;
      return shard;
    });
  }

  get documents(): number {
    return this.manifest.documents;
  }

  get tokens(): number {
    return this.manifest.tokens;
  }

  get vocabSize(): number {
    return this.manifest.vocabSize;
  }

  get fingerprint(): string {
    return this.manifest.fingerprint;
  }

  documentLength(document: number): number {
    const { offsets, firstDocument } = this.#shardOf(document);
    const local = document - firstDocument;
    return offsets[local + 1]! - offsets[local]!;
  }

  copyDocument(document: number, start: number, end: number, target: Int32Array, at: number): void {
    const shard = this.#shardOf(document);
    const base = shard.offsets[document - shard.firstDocument]!;
    const limit = shard.offsets[document - shard.firstDocument + 1]!;
    if (!(start >= 0 && start <= end && base + end <= limit && at >= 0 && at + end - start <= target.length))
      throw new DataError(
        "invalid",
        "copyDocument",
        `expected a range within ${limit - base} tokens and a target that holds it, got ${start}..${end} at ${at} of ${target.length}`,
      );
    const resident = shard.tokens ?? this.#load(shard);
    target.set(
      resident ? resident.subarray(base + start, base + end) : this.#readFromDisk(shard, base + start, base + end),
      at,
    );
  }

  /** How much token data is in memory, and how many documents had to be read from disk one by one. */
  residency(): { readonly residentBytes: number; readonly diskReads: number } {
    return { residentBytes: this.#residentBytes, diskReads: this.#diskReads };
  }

  /** Checks the SHA-256 of every file. @throws DataError `corrupt`, `io`. */
  async verify(): Promise<void> {
    for (const { entry } of this.#shards)
      for (const { file, sha256 } of [entry.data, entry.index])
        if ((await fileSha256(join(this.directory, file))) !== sha256)
          throw corrupt(join(this.directory, file), "content with its recorded SHA-256", "another one");
  }

  /** Closes files and lets go of memory; the reader opens them again when it is used. */
  close(): void {
    for (const shard of this.#shards) {
      if (shard.descriptor !== undefined) fs.closeSync(shard.descriptor);
      shard.descriptor = undefined;
      shard.tokens = undefined;
    }
    this.#residentBytes = 0;
  }

  #shardOf(document: number): Shard {
    let low = 0;
    let high = this.#shards.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#shards[middle]!.firstDocument <= document) low = middle;
      else high = middle - 1;
    }
    const shard = this.#shards[low]!;
    if (!(document >= 0 && document < shard.firstDocument + shard.entry.documents))
      throw new DataError(
        "invalid",
        "TokenShardReader",
        `expected a document in 0..${this.documents - 1}, got ${document}`,
      );
    return shard;
  }

  #load(shard: Shard): Tokens | undefined {
    if (this.#residentBytes + shard.entry.data.bytes > this.#memoryLimit) return undefined;
    const tokens = this.#read(shard, 0, shard.entry.tokens);
    shard.tokens = tokens;
    this.#residentBytes += shard.entry.data.bytes;
    return tokens;
  }

  #readFromDisk(shard: Shard, start: number, end: number): Tokens {
    this.#diskReads++;
    return this.#read(shard, start, end);
  }

  /** Reads tokens start..end-1 of a shard and checks their range. */
  #read(shard: Shard, start: number, end: number): Tokens {
    const { dtype, vocabSize } = this.manifest;
    const tokens = dtype === "u16" ? new Uint16Array(end - start) : new Uint32Array(end - start);
    try {
      shard.descriptor ??= fs.openSync(shard.path, "r");
      readFully(shard.descriptor, new Uint8Array(tokens.buffer), start * bytesPerToken(dtype));
    } catch (error) {
      throw ioError("TokenShardReader", shard.path, error);
    }
    for (let i = 0; i < tokens.length; i++)
      if (tokens[i]! >= vocabSize)
        throw corrupt(shard.path, `token ids below ${vocabSize}`, `${tokens[i]} at token ${start + i}`);
    return tokens;
  }
}

function openShard(directory: string, entry: ShardEntry, firstDocument: number): Shard {
  for (const { file, bytes } of [entry.data, entry.index]) {
    const path = join(directory, file);
    const size = fs.statSync(path, { throwIfNoEntry: false })?.size;
    if (size !== bytes) throw corrupt(path, `${bytes} bytes`, size === undefined ? "no file" : `${size}`);
  }
  const path = join(directory, entry.index.file);
  const offsets = new Uint32Array(entry.documents + 1);
  try {
    const descriptor = fs.openSync(path, "r");
    try {
      readFully(descriptor, new Uint8Array(offsets.buffer), 0);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch (error) {
    throw ioError(OPERATION, path, error);
  }
  const ascending = offsets.every((offset, i) => (i === 0 ? offset === 0 : offset > offsets[i - 1]!));
  if (!ascending || offsets.at(-1) !== entry.tokens)
    throw corrupt(path, `offsets that rise from 0 to ${entry.tokens}`, "others");
  return {
    entry,
    path: join(directory, entry.data.file),
    firstDocument,
    offsets,
    tokens: undefined,
    descriptor: undefined,
  };
}

function corrupt(path: string, expected: string, found: string): DataError {
  return new DataError(
    "corrupt",
    OPERATION,
    `expected ${expected}, got ${found} in ${path}; delete the folder and tokenize again`,
  );
}
