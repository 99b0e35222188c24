/** The tokenizer that belongs to a model folder on disk. */
import { diskFolder } from "@modernbert-ts/safetensors/node";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { readTokenizer } from "./read-tokenizer.ts";

/** As `readTokenizer`, of a folder on disk. */
export function openTokenizer(
  folder: string,
  vocabSize: number,
  onNotice?: (notice: string) => void,
): Promise<Tokenizer> {
  return readTokenizer(diskFolder(folder), vocabSize, onNotice);
}
