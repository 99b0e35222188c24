/** Files made by hand for the tests: a header of any text before any body, and a folder that is removed at the end. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { serializeSafetensors, type TensorEntry } from "@modernbert-ts/safetensors";

/** Length prefix, the header as given (text or JSON value), then `bodyBytes` zero bytes. */
export function craft(header: unknown, bodyBytes: number, declaredLength?: number | bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + bodyBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(declaredLength ?? json.length), true);
  bytes.set(json, 8);
  return bytes;
}

/** The file as one array. */
export async function serialize(
  entries: Iterable<TensorEntry>,
  metadata?: Record<string, string>,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of serializeSafetensors(entries, metadata === undefined ? {} : { metadata }))
    chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** A fresh folder for one test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "safetensors-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The tensor's bytes, whatever its array type. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
