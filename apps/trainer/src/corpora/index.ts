/** Public corpora that recipes, the quickstart and comparisons read, and how they are split. */
export { brownFolder, readBrownCorpus, readTaggedSentences } from "./brown.ts";
export type { BrownFile, TaggedSentence } from "./brown.ts";
export { splitByGenre } from "./by-genre.ts";
export { splitByLetters } from "./by-letters.ts";
export { readMails } from "./mails.ts";
export type { Mail } from "./mails.ts";
export { corpusPackages, fetchPackage } from "./packages.ts";
