/** Which tokens begin a word: what answers and entities are aligned to. */
import type { Encoding, Tokenizer } from "@modernbert-ts/tokenizer";

/** Start and end in UTF-16 units. */
export type Range = readonly [start: number, end: number];

/** Offsets of the token at a place of an encoding that has them in UTF-16 units. */
export function rangeOf({ offsets }: Encoding, at: number): Range {
  return [offsets![2 * at]!, offsets![2 * at + 1]!];
}

const prefixes = new WeakMap<Tokenizer, string>();

/** What tokens within a word begin with, such as "##" of WordPiece; "" where they begin with nothing special. */
function continuingPrefix(tokenizer: Tokenizer): string {
  const known = prefixes.get(tokenizer);
  if (known !== undefined) return known;
  const model = tokenizer.toJSON()["model"] as { readonly continuing_subword_prefix?: string | null };
  const prefix = model.continuing_subword_prefix ?? "";
  prefixes.set(tokenizer, prefix);
  return prefix;
}

/**
 * Whether a token goes on with the word before it, as transformers' token-classification pipeline decides: by the prefix of such tokens
 * where the tokenizer has one; else where there is no blank at its start or before. Any white space is a blank here.
 */
export function isSubword(tokenizer: Tokenizer, id: number, text: string, [start, end]: Range): boolean {
  if (id === tokenizer.specialTokens.unk) return false;
  if (continuingPrefix(tokenizer) === "") return start > 0 && !/\s/.test(text.slice(start - 1, start + 1));
  return count(tokenizer.idToToken(id) ?? "") !== count(text.slice(start, end));
}

function count(text: string): number {
  return [...text].length;
}

const gptWords = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const bertWords = /[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~]+/gu;

/**
 * The words of a text that tokens lie within, as pre-tokenizers part them: a byte-level one into letters, digits and others, each with a
 * blank before it; BERT's at white space and at each punctuation mark.
 */
export function wordsOf(tokenizer: Tokenizer, text: string): Range[] {
  const pattern = continuingPrefix(tokenizer) === "" ? gptWords : bertWords;
  return Array.from(text.matchAll(pattern), ({ index, 0: word }) => [index, index + word.length] as const);
}

/** The word that a token lies in; the token itself where there is none. `words` are in order and do not overlap. */
export function wordAround(words: readonly Range[], token: Range): Range {
  let [low, high] = [0, words.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (words[middle]![1] > token[0]) high = middle;
    else low = middle + 1;
  }
  const word = words[low];
  return word && word[0] <= token[0] && token[1] <= word[1] ? word : token;
}
