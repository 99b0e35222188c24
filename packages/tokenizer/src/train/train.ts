/** Trains a tokenizer of ModernBERT's form on texts. */
import { BpeModel } from "../models/bpe/bpe-model.ts";
import { BpeTrainer } from "./bpe-trainer.ts";
import { byteAlphabet, byteLevelBytes } from "../text/byte-alphabet.ts";
import { TokenizerError } from "../errors.ts";
import { splitGpt2 } from "../pre-tokenizers/gpt2-splitter.ts";
import { MergeTable } from "../models/bpe/merge-table.ts";
import { addedToken, modernBertConfig } from "../modernbert.ts";
import { Pipeline } from "../encoding/pipeline.ts";
import { TokenList } from "../models/token-list.ts";
import { TokenMatcher } from "../added-tokens/token-matcher.ts";
import { Tokenizer } from "../tokenizer.ts";
import { UnicodeNormalizer } from "../normalizers/unicode-form.ts";
import { vocabularyOf } from "../models/vocabulary.ts";
import { WordCounter } from "./word-counter.ts";

export interface TrainOptions {
  /** Number of tokens, special tokens and the 256 bytes included. */
  readonly vocabSize: number;
  /** A pair seen less often is not merged. Default 0. */
  readonly minFrequency?: number;
  /** They take the first ids, in this order. Default: [UNK] [CLS] [SEP] [PAD] [MASK]; [CLS] and [SEP] must be there. */
  readonly specialTokens?: readonly string[];
  /** Fill up with [unused0], [unused1], … to a multiple of this. Default 64. */
  readonly padToMultipleOf?: number;
  /** Called now and then, and at the end of each stage: texts read while counting, tokens made while merging. */
  readonly onProgress?: (progress: TrainProgress) => void;
}

export interface TrainProgress {
  readonly stage: "count" | "merge";
  readonly done: number;
  /** Tokens to make, while merging; texts are not known beforehand. */
  readonly total: number | undefined;
}

const REPORT_EVERY = 256;

/**
 * Learns a byte-level BPE vocabulary from texts: NFC, GPT-2 words, `[CLS] A [SEP]` template, [MASK] that takes the
 * blanks on its left. Same merges as the reference library's BpeTrainer with the byte alphabet as initial alphabet.
 * @throws TokenizerError on a vocabulary too small for the bytes, or special tokens without [CLS] and [SEP].
 */
export function trainBpe(texts: Iterable<string>, options: TrainOptions): Tokenizer {
  const { vocabSize, minFrequency = 0, padToMultipleOf = 64, onProgress } = options;
  const special = options.specialTokens ?? ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"];
  if (!Number.isInteger(vocabSize) || vocabSize < special.length + 256) {
    throw new TokenizerError(
      `[trainBpe] expected vocabSize to be an integer of at least ${special.length + 256} (special tokens and bytes), got ${vocabSize}`,
    );
  }
  if (!special.includes("[CLS]") || !special.includes("[SEP]") || new Set(special).size !== special.length) {
    throw new TokenizerError(
      `[trainBpe] expected distinct specialTokens with [CLS] and [SEP], got ${special.join(" ")}`,
    );
  }
  const words = countWords(texts, onProgress);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte).sort((a, b) =>
    byteAlphabet[a]! < byteAlphabet[b]! ? -1 : 1,
  );
  const byteIds = new Int32Array(256);
  bytes.forEach((byte, i) => (byteIds[byte] = special.length + i));
  const trainer = new BpeTrainer(words, [...special, ...bytes.map((byte) => byteAlphabet[byte]!)], byteIds);
  const onMerge = (done: number): void => {
    if (done % REPORT_EVERY === 0) onProgress?.({ stage: "merge", done, total: vocabSize });
  };
  trainer.train({ vocabSize, minFrequency, onMerge });
  onProgress?.({ stage: "merge", done: trainer.tokens.length, total: vocabSize });
  const addedTokens = special.map((content, id) => addedToken(id, content, true));
  const filled = Math.ceil(trainer.tokens.length / padToMultipleOf) * padToMultipleOf;
  for (let id = trainer.tokens.length; id < filled; id++) {
    addedTokens.push(addedToken(id, `[unused${id - trainer.tokens.length}]`, false));
  }
  return new Tokenizer({
    model: modelOf(trainer),
    addedTokens,
    config: modernBertConfig(special.indexOf("[CLS]"), special.indexOf("[SEP]")),
  });
}

function countWords(texts: Iterable<string>, onProgress: TrainOptions["onProgress"]): WordCounter {
  const words = new WordCounter();
  const none = new TokenMatcher([], []);
  const pipeline = new Pipeline({
    model: words,
    normalizer: new UnicodeNormalizer("NFC"),
    preTokenizer: {
      prepare: (piece) => piece,
      split: (piece, from, list) => splitGpt2(piece.bytes, from, piece.end, list),
    },
    rawMatcher: none,
    normalizedMatcher: none,
  });
  const unused = new TokenList();
  let done = 0;
  for (const text of texts) {
    pipeline.run(text, unused);
    if (++done % REPORT_EVERY === 0) onProgress?.({ stage: "count", done, total: undefined });
  }
  onProgress?.({ stage: "count", done, total: undefined });
  return words;
}

function modelOf(trainer: BpeTrainer): BpeModel {
  const made = Int32Array.from(trainer.merges, ([, , id]) => id);
  const pairs = Int32Array.from(trainer.merges.flatMap(([left, right]) => [left, right]));
  const ids = new Map(trainer.tokens.map((token, id) => [token, id]));
  return new BpeModel(vocabularyOf(ids, byteLevelBytes), new MergeTable(pairs, made));
}
