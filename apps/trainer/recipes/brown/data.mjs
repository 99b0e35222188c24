/**
 * The Brown corpus twice: as token shards for a masked LM and as tagged sentences. Both hold out the same files, some of every genre.
 * Run it from the root of the repository: node apps/trainer/recipes/brown/data.mjs
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readBrownCorpus, readTaggedSentences, splitByGenre } from "../../dist/corpora/index.js";
import { writeBrownData } from "../../dist/quickstart/brown-data.js";

const output = "runs/brown/data";
const heldOutShare = 0.06;
const seed = 17;

rmSync(output, { recursive: true, force: true });
writeBrownData({ folder: output, vocabSize: 4096, heldOutShare, seed });
const { train, heldOut } = splitByGenre(readBrownCorpus(), heldOutShare, seed);
for (const [part, files] of Object.entries({ train, validation: heldOut })) {
  writeLines(
    `tags-${part}.jsonl`,
    files.flatMap(({ name }) => readTaggedSentences(name)),
  );
}

function writeLines(name, records) {
  writeFileSync(join(output, name), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  process.stdout.write(`${join(output, name)}: ${records.length} records\n`);
}
