/** The Brown corpus as data that the trainer takes: a vocabulary learned from the training files, and both parts in tokens. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { writeBrownData } from "@modernbert-ts/trainer";
import type { Context } from "../section.ts";

/** Pieces of the vocabulary: one and the same for all that is trained, so that losses mean the same. */
const vocabSize = 4096;

/** A folder for `data.path`, written when it is first asked for. @throws DataError */
export function brownData({ workFolder, corpora }: Pick<Context, "workFolder" | "corpora">): () => string {
  let written: string | undefined;
  return () => (written ??= write(join(workFolder, "brown")));

  function write(folder: string): string {
    rmSync(folder, { recursive: true, force: true }); // of a comparison that was killed
    const parts = corpora.brown();
    const files = [parts.train, parts.heldOut].map((part) => part.map(({ name }) => name));
    writeBrownData({ folder, parts, vocabSize, about: { files } });
    return folder;
  }
}
