/** The words of texts, counted: what trainers learn from, and how they report that they get on. */
import { TokenMatcher } from "../added-tokens/token-matcher.ts";
import { Pipeline } from "../encoding/pipeline.ts";
import { TokenList } from "../models/token-list.ts";
import type { Normalizer } from "../normalizers/normalizer.ts";
import type { PreTokenizer } from "../pre-tokenizers/pre-tokenizer.ts";
import { WordCounter } from "./word-counter.ts";

export interface TrainProgress {
  readonly stage: "count" | "merge";
  readonly done: number;
  /** Tokens to make, while merging; texts are not known beforehand. */
  readonly total: number | undefined;
}

type OnProgress = ((progress: TrainProgress) => void) | undefined;

/** How texts become words. */
export interface WordParts {
  readonly normalizer: Normalizer | undefined;
  readonly preTokenizer: PreTokenizer;
}

const REPORT_EVERY = 256;

export function countWords(texts: Iterable<string>, parts: WordParts, onProgress: OnProgress): WordCounter {
  const words = new WordCounter();
  const none = new TokenMatcher([], []);
  const pipeline = new Pipeline({ ...parts, model: words, rawMatcher: none, normalizedMatcher: none });
  const unused = new TokenList();
  let done = 0;
  for (const text of texts) {
    pipeline.run(text, unused);
    if (++done % REPORT_EVERY === 0) onProgress?.({ stage: "count", done, total: undefined });
  }
  onProgress?.({ stage: "count", done, total: undefined });
  return words;
}

/** What is told of each merge is handed on now and then. */
export function reportMerges(total: number, onProgress: OnProgress): (tokens: number) => void {
  return (done) => {
    if (done % REPORT_EVERY === 0) onProgress?.({ stage: "merge", done, total });
  };
}
