/** Tensors to a file on disk, one at a time and atomically. */

import { serializeSafetensors, type TensorEntry } from "../serialize.ts";
import { writeFileAtomic } from "./atomic.ts";

export interface WriteOptions {
  /** Free strings in the header; `{ format: "pt" }` unless told otherwise. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes a safetensors file. The file appears whole or not at all; one that was there stays as it was when anything fails.
 * @throws SafetensorsError on bad entries, WriteError when the disk refuses.
 */
export async function writeSafetensors(
  path: string,
  entries: Iterable<TensorEntry>,
  options: WriteOptions = {},
): Promise<void> {
  await writeFileAtomic(path, serializeSafetensors(entries, { ...options, file: path }));
}
