/**
 * Writes tokenized documents as MDS, the shards of MosaicML's Streaming (version 2): one column `input_ids`, an array of uint16 (or
 * uint32). A shard is: number of samples, where each begins and the last ends (u32 each), the shard's settings as JSON, the samples.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { documentIds, dtypeOf, tokenArray } from "./document-ids.ts";
import { writeHashed } from "./hashed-file.ts";
import type { ShardEntry, ShardFile } from "./shard-format.ts";

export const MDS_INDEX_FILE = "index.json";

export interface MdsEntry extends Omit<ShardEntry, "index"> {
  readonly index?: undefined;
}

export class MdsShardFile {
  readonly #directory: string;
  readonly #name: string;
  readonly #vocabSize: number;
  readonly #samples: Uint8Array[] = [];
  #tokens = 0;

  constructor(directory: string, index: number, vocabSize: number) {
    this.#directory = directory;
    this.#name = `shard.${String(index).padStart(5, "0")}.mds`;
    this.#vocabSize = vocabSize;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** @throws DataError `invalid` (a document of no tokens, ids outside the vocabulary). */
  add(ids: ArrayLike<number>): void {
    const values = tokenArray(dtypeOf(this.#vocabSize), ids.length);
    values.set(documentIds(ids, this.#vocabSize));
    this.#samples.push(sampleOf(values));
    this.#tokens += ids.length;
  }

  /** @throws DataError `io`. */
  finish(): MdsEntry {
    const settings = Buffer.from(JSON.stringify(settingsOf(this.#vocabSize)));
    const header = new Uint32Array(2 + this.#samples.length);
    header[0] = this.#samples.length;
    header[1] = header.byteLength + settings.length;
    for (const [at, { length }] of this.#samples.entries()) header[at + 2] = header[at + 1]! + length;
    const bytes = Buffer.concat([new Uint8Array(header.buffer), settings, ...this.#samples]);
    const data = writeHashed(this.#directory, this.#name, bytes);
    return { documents: this.#samples.length, tokens: this.#tokens, data };
  }

  abort(): void {
    this.#samples.length = 0;
  }
}

/** The size of the column, then the column: the number of dimensions and the width of a length in one byte, the length, the ids. */
function sampleOf(values: Uint16Array | Uint32Array): Uint8Array {
  const width = values.length < 2 ** 8 ? 0 : values.length < 2 ** 16 ? 1 : 2;
  const lengthBytes = 2 ** width;
  const sample = Buffer.alloc(4 + 1 + lengthBytes + values.byteLength);
  sample.writeUInt32LE(sample.length - 4, 0);
  sample.writeUInt8((1 << 2) | width, 4);
  sample.writeUIntLE(values.length, 5, lengthBytes);
  sample.set(new Uint8Array(values.buffer), 5 + lengthBytes);
  return sample;
}

function settingsOf(vocabSize: number): object {
  return {
    column_encodings: [`ndarray:${dtypeOf(vocabSize) === "u16" ? "uint16" : "uint32"}`],
    column_names: ["input_ids"],
    column_sizes: [null],
    compression: null,
    format: "mds",
    hashes: ["sha256"],
    size_limit: null,
    version: 2,
  };
}

/** Writes index.json, which makes the folder one; `fingerprint` stands in it for whoever wants to make it again. */
export function writeMdsIndex(
  directory: string,
  entries: readonly { readonly documents: number; readonly data: ShardFile }[],
  { vocabSize, fingerprint }: { readonly vocabSize: number; readonly fingerprint: string },
): void {
  const shards = entries.map(({ documents, data: { file, bytes, sha256 } }) => ({
    ...settingsOf(vocabSize),
    raw_data: { basename: file, bytes, hashes: { sha256 } },
    samples: documents,
    zip_data: null,
  }));
  writeFileSync(join(directory, MDS_INDEX_FILE), JSON.stringify({ fingerprint, shards, version: 2 }), { flush: true });
}
