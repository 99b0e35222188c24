/**
 * SHA-256 fingerprints: of settings (canonical JSON, so that the order of keys does not matter) and of files.
 * Token shards carry the fingerprint of everything they were made from; equal fingerprints mean that they can be used again.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { ioError } from "../errors.ts";

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

function canonical(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item as JsonValue)}`).join(",")}}`;
}

/** Hex SHA-256 of a JSON value. */
export function fingerprint(value: JsonValue): string {
  return createHash("sha256").update(canonical(value)).digest("hex");
}

/** Hex SHA-256 of a file's content, read as a stream. @throws DataError `missing` or `io`. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const piece of fs.createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  } catch (error) {
    throw ioError("fileSha256", path, error);
  }
  return hash.digest("hex");
}
