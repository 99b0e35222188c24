/** What a file format is: a way from a file to records. Each format is a file beside this one, listed in all.ts. */
import type { Fault } from "../faults.ts";

/** Named values, and where they stand. */
export interface DataRecord {
  /** Path, and `:line` (or `:row`) unless the file is one record. */
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ReadOptions {
  /** How a .txt file becomes records. */
  readonly split: "file" | "blank-line";
  /** Bytes to text; invalid sequences become U+FFFD, and are counted. */
  readonly decode: (bytes: Uint8Array, path: string) => string;
  /** Gets how many bytes of the file were read, piece by piece. */
  readonly onBytes: (bytes: number) => void;
  /** Gets a record that cannot be read: throws, or counts it, and reading goes on behind it. */
  readonly onFault: (fault: Fault) => void;
}

export type FormatName = "txt" | "jsonl" | "csv" | "parquet" | "mds";

export interface FileFormat {
  readonly name: FormatName;
  /** Of files, without what a compression adds: [".jsonl"]. */
  readonly endings: readonly string[];
  /** @throws DataError `corrupt` for a file that is cut or no such file at all, `io`. */
  read(path: string, options: ReadOptions): AsyncIterable<DataRecord>;
}
