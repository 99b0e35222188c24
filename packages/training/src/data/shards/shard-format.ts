/**
 * Token shards on disk: a folder with
 *   shard-00000.bin  token ids, u16 or u32 little endian, documents one after another;
 *   shard-00000.idx  u32 little endian, one more than documents: where each begins, in tokens, and the total at the end;
 *   manifest.json    what is there, written last: a folder without it is not a data set.
 */
import fs from "node:fs";
import { join } from "node:path";
import { DataError, ioError } from "../../errors.ts";

export const SHARD_FORMAT = "modernbert-ts/token-shards";
export const SHARD_FORMAT_VERSION = 1;
export const MANIFEST_FILE = "manifest.json";

export type TokenDType = "u16" | "u32";

/** A file of the set: name, size in bytes, hex SHA-256. */
export interface ShardFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ShardEntry {
  readonly documents: number;
  readonly tokens: number;
  readonly data: ShardFile;
  readonly index: ShardFile;
}

export interface ShardManifest {
  readonly format: typeof SHARD_FORMAT;
  readonly version: number;
  readonly dtype: TokenDType;
  readonly vocabSize: number;
  /** Hash of source, tokenizer and settings: equal means that the set need not be made again. */
  readonly fingerprint: string;
  readonly documents: number;
  readonly tokens: number;
  readonly shards: readonly ShardEntry[];
}

export function bytesPerToken(dtype: TokenDType): number {
  return dtype === "u16" ? 2 : 4;
}

/** Typed arrays here are views of little-endian files. */
export function assertLittleEndian(operation: string): void {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1)
    throw new DataError(
      "invalid",
      operation,
      "expected a little-endian machine, got a big-endian one; use another machine",
    );
}

/**
 * Reads and checks the manifest of a folder.
 * @throws DataError `missing` (no folder, or not finished), `corrupt` (not a manifest), `mismatch` (newer version).
 */
export function readShardManifest(directory: string): ShardManifest {
  const path = join(directory, MANIFEST_FILE);
  let text: string;
  try {
    text = fs.readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw ioError("readShardManifest", path, error);
    const found = fs.existsSync(directory) ? "a folder without it (never finished)" : "no such folder";
    throw new DataError("missing", "readShardManifest", `expected ${path}, got ${found}; tokenize the data first`);
  }
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    throw damaged(path, "text that is not JSON");
  }
  checkManifest(path, manifest);
  return manifest;
}

/** Whether `directory` holds a finished set with this fingerprint. @throws DataError `corrupt`, `mismatch`, `io`. */
export function hasTokenShards(directory: string, fingerprint: string): boolean {
  return fs.existsSync(join(directory, MANIFEST_FILE)) && readShardManifest(directory).fingerprint === fingerprint;
}

function damaged(path: string, found: string): DataError {
  return new DataError(
    "corrupt",
    "readShardManifest",
    `expected a manifest of token shards in ${path}, got ${found}; delete the folder and tokenize again`,
  );
}

function checkManifest(path: string, value: unknown): asserts value is ShardManifest {
  const manifest = value as ShardManifest | null;
  if (manifest?.format !== SHARD_FORMAT) throw damaged(path, "another kind of file");
  if (manifest.version !== SHARD_FORMAT_VERSION)
    throw new DataError(
      "mismatch",
      "readShardManifest",
      `expected format version ${SHARD_FORMAT_VERSION}, got ${JSON.stringify(manifest.version)} in ${path}; update this package or tokenize again`,
    );
  const { dtype, vocabSize, fingerprint, documents, tokens, shards } = manifest;
  if (dtype !== "u16" && dtype !== "u32") throw damaged(path, `dtype ${JSON.stringify(dtype)}`);
  if (!isCount(vocabSize) || typeof fingerprint !== "string" || !Array.isArray(shards))
    throw damaged(path, "fields of the wrong type");
  let documentSum = 0;
  let tokenSum = 0;
  for (const shard of shards as readonly ShardEntry[]) {
    if (!isCount(shard?.documents) || !isCount(shard.tokens) || !isFile(shard.data) || !isFile(shard.index))
      throw damaged(path, "a shard entry with fields of the wrong type");
    if (shard.data.bytes !== shard.tokens * bytesPerToken(dtype) || shard.index.bytes !== (shard.documents + 1) * 4)
      throw damaged(path, `sizes that do not fit the counts of ${shard.data.file}`);
    documentSum += shard.documents;
    tokenSum += shard.tokens;
  }
  if (documentSum !== documents || tokenSum !== tokens || documents === 0)
    throw damaged(path, "totals that are not the sums of the shards");
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isFile(value: ShardFile | undefined): boolean {
  return (
    typeof value?.file === "string" &&
    /^[\w.-]+$/.test(value.file) &&
    isCount(value.bytes) &&
    /^[0-9a-f]{64}$/.test(value.sha256)
  );
}
