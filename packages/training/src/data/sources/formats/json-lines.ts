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
      const line = decode(bytes, path);
      if (line.trim() === "") continue;
      const value = parsed(line);
      if (isObject(value)) yield { id, fields: value };
      else onFault({ place: id, expected: "one JSON object a line", found: kindOf(value, line) });
    }
  },
};

/** undefined for what is no JSON. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown, line: string): string {
  if (value !== undefined) return Array.isArray(value) ? "a list" : value === null ? "null" : `a ${typeof value}`;
  return notText(line) ?? "what is no JSON";
}
