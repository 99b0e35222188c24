/** The forms in which tokenized documents can be written, shard by shard. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileSha256 } from "../../files/fingerprint.ts";
import { dtypeOf } from "./document-ids.ts";
import { MDS_INDEX_FILE, MdsShardFile, writeMdsIndex } from "./mds-file.ts";
import type { MdsEntry } from "./mds-file.ts";
import { hasTokenShards, MANIFEST_FILE, SHARD_FORMAT, SHARD_FORMAT_VERSION } from "./shard-format.ts";
import type { ShardEntry, ShardManifest } from "./shard-format.ts";
import { TokenShardFile } from "./shard-file.ts";

export type WrittenShard = ShardEntry | MdsEntry;

export interface ShardSink {
  readonly tokens: number;
  /** @throws DataError `invalid`, `io`. */
  add(ids: ArrayLike<number>): void;
  /** @throws DataError `io`. */
  finish(): WrittenShard;
  abort(): void;
}

interface Contents {
  readonly vocabSize: number;
  /** Hash of source, tokenizer and settings. */
  readonly fingerprint: string;
}

export interface OutputFormat {
  /** A shard closes when it holds so many tokens. */
  readonly shardTokens: number;
  /** Begins the shard of this number. */
  open(directory: string, index: number, vocabSize: number): ShardSink;
  /** Writes what makes a folder of finished shards a data set. */
  complete(directory: string, shards: readonly WrittenShard[], contents: Contents): void;
  /** Whether the folder is a finished set with this fingerprint. @throws DataError `corrupt`, `mismatch`, `io`. */
  has(directory: string, fingerprint: string): boolean;
}

export const outputFormats: Readonly<Record<"shards" | "mds", OutputFormat>> = {
  shards: {
    shardTokens: 2 ** 26,
    open: (directory, index, vocabSize) => new TokenShardFile(directory, index, vocabSize),
    complete: (directory, shards, contents) => {
      writeShardManifest(directory, shards as readonly ShardEntry[], contents);
    },
    has: hasTokenShards,
  },
  mds: {
    shardTokens: 2 ** 25,
    open: (directory, index, vocabSize) => new MdsShardFile(directory, index, vocabSize),
    complete: writeMdsIndex,
    has(directory, fingerprint) {
      const path = join(directory, MDS_INDEX_FILE);
      if (!existsSync(path)) return false;
      return (JSON.parse(readFileSync(path, "utf8")) as Partial<Contents>).fingerprint === fingerprint;
    },
  },
};

export type OutputFormatName = keyof typeof outputFormats;

/** Writes manifest.json, which makes the folder a data set. */
export function writeShardManifest(
  directory: string,
  shards: readonly ShardEntry[],
  { vocabSize, fingerprint }: Contents,
): ShardManifest {
  const manifest: ShardManifest = {
    format: SHARD_FORMAT,
    version: SHARD_FORMAT_VERSION,
    dtype: dtypeOf(vocabSize),
    vocabSize,
    fingerprint,
    documents: shards.reduce((sum, shard) => sum + shard.documents, 0),
    tokens: shards.reduce((sum, shard) => sum + shard.tokens, 0),
    shards,
  };
  writeFileSync(join(directory, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });
  return manifest;
}

/** Whether all files of a shard are there as they were written. */
export async function isWhole(directory: string, { data, index }: WrittenShard): Promise<boolean> {
  for (const { file, sha256 } of index ? [data, index] : [data]) {
    const path = join(directory, file);
    if (!existsSync(path) || (await fileSha256(path)) !== sha256) return false;
  }
  return true;
}
