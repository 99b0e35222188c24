/** JSON lines: one object a line. */
import { notText } from "../decode.ts";
import { readLines } from "../read-lines.ts";
import type { FileFormat } from "./format.ts";

export const jsonLinesFormat: FileFormat = {
  name: "jsonl",
  endings: [".jsonl", ".ndjson"],
  async *read(path, { decode, onFault, onBytes }) {
    for await (const { bytes, number } of readLines(path, onBytes)) {
      const id = `${path}:${number}`;
      const kind = notText(bytes);
      if (kind) {
        onFault({ place: id, expected: "text in UTF-8", found: kind });
        continue;
      }
      const line = decode(bytes, id);
      if (line.trim() === "") continue;
      const fields = objectOf(line);
      if (fields) yield { id, fields };
      else onFault({ place: id, expected: "one JSON object a line", found: "something else" });
    }
  },
};

function objectOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
