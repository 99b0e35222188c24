/** Records of files, each with its place, and those that cannot be read, with the reason. Files are those that training reads. */
import { isUtf8 } from "node:buffer";
import { findDataFiles } from "@modernbert-ts/training";
import { BulkError } from "../errors.ts";
import type { SkippedRecord } from "./parts.ts";

export interface FileRecord {
  /** Path and line. */
  readonly id: string;
  /** Of a line of a .txt file: `text`. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The field that holds the text. */
  readonly textField: string;
}

export interface ReadRecordsOptions {
  /** Where the text stands in records; lines of .txt files have it in `text`. Default `text`. */
  readonly field?: string;
  /** Gets how many bytes were read, piece by piece. */
  readonly onBytes?: (bytes: number) => void;
}

/** The files that paths mean: files, folders and globs. @throws DataError for what is not there, or no format reads. */
export function inputFiles(paths: readonly string[]): string[] {
  return findDataFiles(paths, undefined).files.map(({ path }) => path);
}

/** @throws BulkError for bytes that are no UTF-8; DataError `corrupt`, `missing`, `io`. */
export async function* readRecords(
  paths: readonly string[],
  { field = "text", onBytes = () => undefined }: ReadRecordsOptions = {},
): AsyncGenerator<FileRecord | SkippedRecord> {
  const faults: SkippedRecord[] = [];
  const options = {
    split: "line",
    decode,
    onBytes,
    onFault: ({ place, expected, found }: { place: string; expected: string; found: string }) =>
      void faults.push({ id: place, reason: `expected ${expected}, got ${found}` }),
  } as const;
  for (const { path, format } of findDataFiles(paths, undefined).files) {
    const textField = format.name === "txt" ? "text" : field;
    for await (const { id, fields } of format.read(path, options)) {
      yield* faults.splice(0);
      yield { id, fields, textField };
    }
    yield* faults.splice(0);
  }
}

function decode(bytes: Uint8Array, path: string): string {
  if (isUtf8(bytes) && !bytes.includes(0)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  throw new BulkError(`expected text in UTF-8, got other bytes in ${path}: convert that file first`);
}
