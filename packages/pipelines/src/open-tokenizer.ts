/** The tokenizer that belongs to a model folder on disk. */
import { basename, dirname } from "node:path";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { readTokenizer, readTokenizerFile } from "./folder/tokenizer.ts";

/** As `readTokenizer`, of a folder on disk. */
export function openTokenizer(
  folder: string,
  vocabSize: number,
  onNotice?: (notice: string) => void,
): Promise<Tokenizer> {
  return readTokenizer(diskFolder(folder), { vocabSize }, onNotice);
}

/** As `readTokenizerFile`, by its path on disk. */
export function openTokenizerFile(path: string): Promise<Tokenizer | undefined> {
  return readTokenizerFile(diskFolder(dirname(path)), basename(path));
}
