/** The Brown corpus as data that the trainer takes: a vocabulary learned from the training files, and both parts in tokens. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { trainBpe } from "@modernbert-ts/tokenizer";
import { fingerprint, TokenShardWriter } from "@modernbert-ts/training";
import type { Corpora } from "../../data/corpora.ts";

/** Pieces of the vocabulary: one and the same for all that is trained, so that losses mean the same. */
export const vocabulary = 4096;

/** A folder for `data.path`. @throws DataError */
export function writeBrown(folder: string, corpora: Corpora): string {
  const { train, heldOut } = corpora.brown();
  const tokenizer = trainBpe(
    train.map(({ text }) => text),
    { vocabSize: vocabulary },
  );
  for (const [name, files] of [
    ["train", train],
    ["validation", heldOut],
  ] as const) {
    const directory = join(folder, name);
    mkdirSync(directory, { recursive: true });
    const print = fingerprint({ corpus: "brown", part: name, vocabulary, files: files.map((file) => file.name) });
    const writer = new TokenShardWriter({ directory, vocabSize: tokenizer.vocabSize, fingerprint: print });
    for (const { text } of files) writer.add(tokenizer.encode(text).ids);
    writer.finish();
  }
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  return folder;
}
