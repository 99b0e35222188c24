/** Text files of a folder, read whole within a limit: whatever a stranger's file says its size is, that much is never allocated unasked. */

import { SafetensorsError } from "./errors.ts";
import type { Folder } from "./folder.ts";

/** Largest text file that is read, in bytes, by what it is: some ten times the largest that models bring. */
export const textLimits: {
  /** A file of settings: 16 MiB. */
  readonly config: number;
  /** An index of shards: 64 MiB. */
  readonly index: number;
  /** A tokenizer with its vocabulary and merges: 256 MiB. */
  readonly tokenizer: number;
} = { config: 16 << 20, index: 64 << 20, tokenizer: 256 << 20 };

/**
 * A whole file as text; undefined where there is none.
 * @throws SafetensorsError when it is larger than `maxBytes`, not UTF-8, or cannot be read.
 */
export async function readText(
  folder: Folder,
  path: string,
  maxBytes: number = textLimits.config,
): Promise<string | undefined> {
  const source = await folder.open(path);
  if (source === undefined) return undefined;
  const file = `${folder.name}/${path}`;
  try {
    if (source.size > maxBytes)
      throw new SafetensorsError(file, `expected a text file of at most ${maxBytes} bytes, got ${source.size}`);
    const bytes = new Uint8Array(source.size);
    await source.readInto(0, bytes);
    return decode(bytes, file);
  } finally {
    await source.close?.();
  }
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SafetensorsError(file, "expected UTF-8 text, got other bytes: save it as UTF-8", undefined, { cause });
  }
}
