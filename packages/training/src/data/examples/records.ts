/** Records of files, folders and globs, each with its place. */
import { Decoder } from "../sources/decode.ts";
import { findDataFiles } from "../sources/data-files.ts";
import { Faults } from "../sources/faults.ts";
import type { DataRecord } from "../sources/formats/format.ts";

export interface RecordSourceOptions {
  /** What a record that cannot be used does (default "refuse"): end everything, or be counted and passed over. */
  readonly badRecords?: "refuse" | "skip";
}

export class RecordSource implements AsyncIterable<DataRecord> {
  readonly #files: ReturnType<typeof findDataFiles>;
  readonly #decoder: Decoder = new Decoder();
  readonly faults: Faults;

  /** @throws DataError `missing`, `invalid` (unknown ending, no files), `io`. */
  constructor(paths: readonly string[], { badRecords = "refuse" }: RecordSourceOptions = {}) {
    this.#files = findDataFiles(paths, undefined);
    this.faults = new Faults(badRecords);
  }

  /** Invalid UTF-8 sequences that became U+FFFD, by file. */
  get replaced(): ReadonlyMap<string, number> {
    return this.#decoder.replaced;
  }

  /** @throws DataError `invalid` (a record that cannot be read), `corrupt`, `missing`, `io`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<DataRecord> {
    const options = {
      split: "file",
      decode: this.#decoder.decode.bind(this.#decoder),
      onFault: this.faults.add.bind(this.faults),
      onBytes: () => undefined,
    } as const;
    for (const { path, format } of this.#files.files) yield* format.read(path, options);
  }
}
