/** Texts of files, each with its place, and records that hold none, with the reason. */
import type { SkippedRecord } from "./parts.ts";
import { readRecords } from "./read-records.ts";

export interface TextRecord {
  /** Path and line. */
  readonly id: string;
  readonly text: string;
}

/**
 * A line of a .txt file is a text; of records, the field is.
 * @throws BulkError for bytes that are no UTF-8; DataError `corrupt`, `missing`, `io`.
 */
export async function* readTexts(paths: readonly string[], field: string): AsyncGenerator<TextRecord | SkippedRecord> {
  for await (const record of readRecords(paths, { field })) {
    if ("reason" in record) {
      yield record;
      continue;
    }
    const { id, fields, textField } = record;
    const text = fields[textField];
    if (typeof text === "string") yield { id, text };
    else yield { id, reason: `expected text in field ${textField}, got ${describe(text, Object.keys(fields))}` };
  }
}

function describe(value: unknown, known: readonly string[]): string {
  if (value === undefined) return `no such field (there is ${known.join(", ") || "none"})`;
  return (JSON.stringify(value) ?? typeof value).slice(0, 40);
}
