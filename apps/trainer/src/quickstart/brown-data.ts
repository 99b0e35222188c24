/** The Brown corpus as a data folder for `run`: a vocabulary learned from the training files, shards of both parts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { trainBpe } from "@modernbert-ts/tokenizer";
import { AtomicDirectory, fingerprint, TokenShardWriter } from "@modernbert-ts/training";
import { dataLayout } from "../run/data/training-data.ts";
import type { BrownFile } from "../corpora/brown.ts";
import type { Split } from "../corpora/by-genre.ts";

export interface BrownDataOptions {
  readonly folder: string;
  readonly parts: Split;
  readonly vocabSize: number;
  /** What else decides about the data, for its fingerprint. */
  readonly about: Readonly<Record<string, unknown>>;
}

export interface BrownData {
  readonly files: { readonly train: number; readonly heldOut: number };
  readonly tokens: { readonly train: number; readonly heldOut: number };
}

/** Writes the folder, which must be new. @throws UserError, DataError. */
export function writeBrownData({ folder, parts: { train, heldOut }, vocabSize, about }: BrownDataOptions): BrownData {
  const tokenizer = trainBpe(
    train.map(({ text }) => text),
    { vocabSize },
  );
  const aside = new AtomicDirectory(folder);
  try {
    const writeShards = (name: string, files: readonly BrownFile[]): number => {
      const print = fingerprint({ corpus: "brown", part: name, vocabSize, ...about });
      const directory = join(aside.path, name);
      const writer = new TokenShardWriter({ directory, vocabSize: tokenizer.vocabSize, fingerprint: print });
      for (const { text } of files) writer.add(tokenizer.encode(text).ids);
      return writer.finish().tokens;
    };
    const tokens = {
      train: writeShards(dataLayout.train, train),
      heldOut: writeShards(dataLayout.validation, heldOut),
    };
    writeFileSync(join(aside.path, dataLayout.tokenizer), JSON.stringify(tokenizer), { flush: true });
    aside.commit();
    return { files: { train: train.length, heldOut: heldOut.length }, tokens };
  } finally {
    aside.discard();
  }
}
