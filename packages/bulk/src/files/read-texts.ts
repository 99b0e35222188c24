/** Texts of files, each with its place, and records that hold none, with the reason. Files are those that training reads. */
import { isUtf8 } from "node:buffer";
import { findDataFiles } from "@modernbert-ts/training";
import { BulkError } from "../errors.ts";
import type { SkippedRecord } from "./parts.ts";

export interface TextRecord {
  /** Path and line. */
  readonly id: string;
  readonly text: string;
}

/** The files that paths mean: files, folders and globs. @throws DataError for what is not there, or no format reads. */
export function inputFiles(paths: readonly string[]): string[] {
  return findDataFiles(paths, undefined).files.map(({ path }) => path);
}

/**
 * A line of a .txt file is a text; of records, the field is.
 * @throws BulkError for bytes that are no UTF-8; DataError `corrupt`, `missing`, `io`.
 */
export async function* readTexts(paths: readonly string[], field: string): AsyncGenerator<TextRecord | SkippedRecord> {
  const faults: SkippedRecord[] = [];
  const options = {
    split: "line",
    decode,
    onBytes: () => undefined,
    onFault: ({ place, expected, found }: { place: string; expected: string; found: string }) =>
      void faults.push({ id: place, reason: `expected ${expected}, got ${found}` }),
  } as const;
  for (const { path, format } of findDataFiles(paths, undefined).files) {
    const name = format.name === "txt" ? "text" : field;
    for await (const { id, fields } of format.read(path, options)) {
      yield* faults.splice(0);
      const text = fields[name];
      if (typeof text === "string") yield { id, text };
      else yield { id, reason: `expected text in field ${name}, got ${describe(text, Object.keys(fields))}` };
    }
    yield* faults.splice(0);
  }
}

function describe(value: unknown, known: readonly string[]): string {
  if (value === undefined) return `no such field (there is ${known.join(", ") || "none"})`;
  return (JSON.stringify(value) ?? typeof value).slice(0, 40);
}

function decode(bytes: Uint8Array, path: string): string {
  if (isUtf8(bytes) && !bytes.includes(0)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  throw new BulkError(`expected text in UTF-8, got other bytes in ${path}: convert that file first`);
}
