/** MDS, the shards of MosaicML's Streaming (version 2): index.json beside shard files, plain or compressed. */
import { createHash, getHashes } from "node:crypto";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { decompress } from "fzstd";
import { DataError, ioError } from "../../../errors.ts";
import type { DataRecord, FileFormat } from "./format.ts";
import { mdsColumn } from "./mds-columns.ts";

interface ShardFile {
  readonly basename: string;
  readonly bytes: number;
  readonly hashes?: Readonly<Record<string, string>>;
}

interface Shard {
  readonly column_names: readonly string[];
  readonly column_encodings: readonly string[];
  /** Bytes of a column, null where they vary. */
  readonly column_sizes: readonly (number | null)[];
  readonly compression: string | null;
  readonly samples: number;
  readonly raw_data: ShardFile;
  readonly zip_data: ShardFile | null;
}

export const mdsFormat: FileFormat = {
  name: "mds",
  endings: ["index.json"],
  async *read(path, { decode, onBytes }): AsyncGenerator<DataRecord> {
    for (const shard of readIndex(path)) {
      const file = shard.zip_data ?? shard.raw_data;
      const place = join(dirname(path), file.basename);
      const samples = new Samples(await open(place, shard, file), shard, place, (bytes) => decode(bytes, place));
      onBytes(file.bytes);
      for (let at = 0; at < shard.samples; at++) yield { id: `${place}:${at + 1}`, fields: samples.at(at) };
    }
  },
};

/** @throws DataError `corrupt` for an index.json that describes no MDS shards. */
function readIndex(path: string): readonly Shard[] {
  let index: { readonly version?: unknown; readonly shards?: readonly (Shard & { readonly format: string })[] } | null;
  try {
    index = JSON.parse(fs.readFileSync(path, "utf8")) as typeof index;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw ioError("mds", path, error);
    throw damaged(path, "an index that is not JSON");
  }
  const { version, shards } = index ?? {};
  if (version !== 2 || !Array.isArray(shards) || shards.some(({ format }) => format !== "mds"))
    throw damaged(path, "no index of MDS shards of version 2");
  return shards;
}

/** The shard's bytes, unpacked, once sizes and hashes are as the index says. */
async function open(path: string, { compression, raw_data: raw }: Shard, file: ShardFile): Promise<Buffer> {
  let data: Buffer;
  try {
    data = await fs.promises.readFile(path);
  } catch (error) {
    throw ioError("mds", path, error);
  }
  if (data.length !== file.bytes) throw damaged(path, `${data.length} bytes instead of ${file.bytes}`);
  for (const [algorithm, wanted] of Object.entries(file.hashes ?? {})) {
    if (getHashes().includes(algorithm) && createHash(algorithm).update(data).digest("hex") !== wanted)
      throw damaged(path, `content with another ${algorithm}`);
  }
  if (file === raw) return data;
  const unpacked = unpack(data, compression ?? "", path);
  if (unpacked.length !== raw.bytes) throw damaged(path, `${unpacked.length} bytes unpacked instead of ${raw.bytes}`);
  return unpacked;
}

function unpack(data: Buffer, compression: string, path: string): Buffer {
  const [name] = compression.split(":");
  try {
    if (name === "zstd") return Buffer.from(decompress(data));
    if (name === "gz") return gunzipSync(data);
    if (name === "br") return brotliDecompressSync(data);
  } catch (error) {
    throw damaged(path, `compressed data that do not unpack (${(error as Error).message})`);
  }
  throw new DataError(
    "invalid",
    "mds",
    `expected shards that are plain or compressed by zstd, gz or br, got ${name} in ${path}`,
  );
}

/** The samples of a shard: their number, where each begins and the last ends, as u32, then the samples. */
class Samples {
  readonly #data: Buffer;
  readonly #shard: Shard;
  readonly #path: string;
  readonly #columns: readonly ((bytes: Buffer) => unknown)[];

  constructor(data: Buffer, shard: Shard, path: string, text: (bytes: Buffer) => string) {
    this.#data = data;
    this.#shard = shard;
    this.#path = path;
    this.#columns = shard.column_encodings.map((encoding) => mdsColumn(encoding, text));
    if (data.length < 8 + 4 * shard.samples || data.readUInt32LE(0) !== shard.samples)
      throw damaged(path, "another number of samples than the index says");
  }

  /** Sizes of the columns that vary, as u32, then the columns. */
  at(index: number): Record<string, unknown> {
    const { column_names: names, column_sizes: sizes } = this.#shard;
    const [begin, end] = [0, 1].map((next) => this.#data.readUInt32LE(4 + 4 * (index + next))) as [number, number];
    let header = begin;
    let at = begin + 4 * sizes.filter((size) => size === null).length;
    if (!(at <= end && end <= this.#data.length)) throw damaged(this.#path, `sample ${index + 1} outside the file`);
    const fields: Record<string, unknown> = {};
    for (const [column, name] of names.entries()) {
      let size = sizes[column];
      if (size === null || size === undefined) {
        size = this.#data.readUInt32LE(header);
        header += 4;
      }
      if (at + size > end) throw damaged(this.#path, `column ${name} of sample ${index + 1} beyond its end`);
      fields[name] = this.#columns[column]!(this.#data.subarray(at, at + size));
      at += size;
    }
    return fields;
  }
}

function damaged(path: string, found: string): DataError {
  return new DataError(
    "corrupt",
    "mds",
    `expected MDS shards as their index.json says, got ${found} in ${path}; get them again`,
  );
}
