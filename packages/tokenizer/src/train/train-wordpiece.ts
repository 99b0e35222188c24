/**
 * Trains a WordPiece tokenizer of BERT's form on texts. As in the reference library, the vocabulary is that of BPE merges over letters, of
 * which those inside a word carry `##`; encoding then looks for the longest piece and knows no merges.
 */
import { type BertTokenizerOptions, bertSpecialTokens, bertTokenizer, bertWords, continuingPrefix } from "../bert.ts";
import { TokenizerError } from "../errors.ts";
import { JsonField } from "../json-field.ts";
import { readNormalizer } from "../normalizers/normalizers.ts";
import { readPreTokenizer } from "../pre-tokenizers/pre-tokenizers.ts";
import { fromUtf8 } from "../text/utf8.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { type TrainProgress, countWords, reportMerges } from "./count-words.ts";
import { PairMerger, type SymbolWords } from "./pair-merger.ts";
import type { WordCounter } from "./word-counter.ts";

export interface WordPieceTrainOptions extends BertTokenizerOptions {
  /** Number of tokens, special tokens and letters included: 30,522 in BERT. */
  readonly vocabSize: number;
  /** A pair seen less often is not merged. Default 0. */
  readonly minFrequency?: number;
  /** Letters to keep at most, the most frequent ones and of equals the lower code points; words with others become [UNK]. Default 1000. */
  readonly limitAlphabet?: number;
  /** Letters that are kept before all others, whether texts have them or not. */
  readonly initialAlphabet?: Iterable<string>;
  readonly onProgress?: (progress: TrainProgress) => void;
}

/**
 * Learns a vocabulary: [PAD] [UNK] [CLS] [SEP] [MASK], the letters, those found inside words with `##`, both by code point, then what is
 * merged. These are the tokens of the reference's WordPieceTrainer, which numbers the letters with `##`, and so decides ties between pairs,
 * by chance.
 * @throws TokenizerError on a vocabulary too small for its letters, and settings that are no counts or letters.
 */
export function trainWordPiece(texts: Iterable<string>, options: WordPieceTrainOptions): Tokenizer {
  const { vocabSize, minFrequency = 0, limitAlphabet = 1000, onProgress, lowercase = true } = options;
  for (const [name, value] of Object.entries({ vocabSize, minFrequency, limitAlphabet }))
    if (!Number.isSafeInteger(value) || value < 0)
      throw new TokenizerError(`[trainWordPiece] expected ${name} to be an integer of at least 0, got ${value}`);
  const initial = [...(options.initialAlphabet ?? [])];
  const noLetter = initial.find((text) => [...text].length !== 1);
  if (noLetter !== undefined)
    throw new TokenizerError(
      `[trainWordPiece] expected single characters in initialAlphabet, got ${JSON.stringify(noLetter)}`,
    );
  const config = new JsonField(bertWords(lowercase), "");
  const parts = {
    normalizer: readNormalizer(config.get("normalizer")),
    preTokenizer: readPreTokenizer(config.get("pre_tokenizer"), "WordPiece"),
  };
  const counted = countWords(texts, parts, onProgress);
  const letters = alphabetOf(counted, initial, limitAlphabet);
  const { words, tokens } = spell(counted, letters);
  if (vocabSize < tokens.length)
    throw new TokenizerError(
      `[trainWordPiece] expected vocabSize of at least ${tokens.length} (special tokens and letters), got ${vocabSize}: raise it, or lower limitAlphabet (${limitAlphabet})`,
    );
  const merger = new PairMerger(words, tokens, (left, right) => left + right.slice(continuingPrefix.length));
  merger.train({ vocabSize, minFrequency, onMerge: reportMerges(vocabSize, onProgress) });
  onProgress?.({ stage: "merge", done: merger.tokens.length, total: vocabSize });
  return bertTokenizer(merger.tokens, { lowercase });
}

/** The letters to keep, by code point. */
function alphabetOf(words: WordCounter, initial: readonly string[], limit: number): string[] {
  const seen = new Map<string, number>();
  for (let word = 0; word < words.size; word++) {
    const count = words.counts[word]!;
    for (const letter of lettersOf(words, word)) seen.set(letter, (seen.get(letter) ?? 0) + count);
  }
  for (const letter of initial) seen.set(letter, Number.POSITIVE_INFINITY);
  const byCodePoint = [...seen.keys()].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  if (byCodePoint.length <= limit) return byCodePoint;
  const rank = (letter: string): number => seen.get(letter)!;
  const kept = new Set([...byCodePoint].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(b) - rank(a))).slice(0, limit));
  return byCodePoint.filter((letter) => kept.has(letter));
}

/** Words as ids of letters, those that are not kept left out; and all tokens there are before the first merge. */
function spell(counted: WordCounter, letters: readonly string[]): { words: SymbolWords; tokens: string[] } {
  const first: string[] = [...bertSpecialTokens, ...letters];
  const ids = new Map(first.map((token, id) => [token, id]));
  const inside = insideOf(counted, new Set(letters));
  const tokens = [...first, ...letters.filter((letter) => inside.has(letter)).map((each) => continuingPrefix + each)];
  const insideIds = new Map(tokens.slice(first.length).map((token, at) => [token.slice(2), first.length + at]));
  const symbols = new Int32Array(counted.starts[counted.size]!);
  const starts = new Int32Array(counted.size + 1);
  let at = 0;
  for (let word = 0; word < counted.size; word++) {
    for (const [place, letter] of lettersOf(counted, word).entries()) {
      const id = (place === 0 ? ids : insideIds).get(letter);
      if (id !== undefined) symbols[at++] = id;
    }
    starts[word + 1] = at;
  }
  return { words: { symbols, starts, counts: counted.counts, size: counted.size }, tokens };
}

/** Letters found behind the first of a word. */
function insideOf(words: WordCounter, letters: ReadonlySet<string>): Set<string> {
  const inside = new Set<string>();
  for (let word = 0; word < words.size; word++)
    for (const letter of lettersOf(words, word).slice(1)) if (letters.has(letter)) inside.add(letter);
  return inside;
}

function lettersOf({ bytes, starts }: WordCounter, word: number): string[] {
  return [...fromUtf8(bytes.subarray(starts[word]!, starts[word + 1]!))];
}
