/** The tokenizer of a file on disk. */
import { basename, dirname } from "node:path";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { readTokenizerFile } from "./folder/tokenizer.ts";

/** As `readTokenizerFile`, by its path on disk. */
export function openTokenizerFile(path: string): Promise<Tokenizer | undefined> {
  return readTokenizerFile(diskFolder(dirname(path)), basename(path));
}
