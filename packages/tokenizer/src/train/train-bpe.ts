/** Trains a tokenizer of ModernBERT's form on texts. */
import { BpeModel } from "../models/bpe/bpe-model.ts";
import { byteAlphabet, byteLevelBytes } from "../text/byte-alphabet.ts";
import { TokenizerError } from "../errors.ts";
import { splitGpt2 } from "../pre-tokenizers/gpt2-splitter.ts";
import { MergeTable } from "../models/bpe/merge-table.ts";
import { addedToken, modernBertConfig } from "../modernbert.ts";
import { Tokenizer } from "../tokenizer.ts";
import { UnicodeNormalizer } from "../normalizers/unicode-form.ts";
import { vocabularyOf } from "../models/vocabulary.ts";
import { type TrainProgress, type WordParts, countWords, reportMerges } from "./count-words.ts";
import { PairMerger, type SymbolWords } from "./pair-merger.ts";
import type { WordCounter } from "./word-counter.ts";

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

const nfcWords: WordParts = {
  normalizer: new UnicodeNormalizer("NFC"),
  preTokenizer: {
    prepare: (piece) => piece,
    split: (piece, from, list) => splitGpt2(piece.bytes, from, piece.end, list),
  },
};

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
  const words = countWords(texts, nfcWords, onProgress);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte).sort((a, b) =>
    byteAlphabet[a]! < byteAlphabet[b]! ? -1 : 1,
  );
  const byteIds = new Int32Array(256);
  bytes.forEach((byte, i) => (byteIds[byte] = special.length + i));
  const trainer = new PairMerger(
    symbolsOf(words, byteIds),
    [...special, ...bytes.map((byte) => byteAlphabet[byte]!)],
    (left, right) => left + right,
  );
  trainer.train({ vocabSize, minFrequency, onMerge: reportMerges(vocabSize, onProgress) });
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

/** Each byte of a word becomes the id of its token. */
function symbolsOf({ bytes, starts, counts, size }: WordCounter, byteIds: Int32Array): SymbolWords {
  const symbols = Int32Array.from(bytes.subarray(0, starts[size]), (byte) => byteIds[byte]!);
  return { symbols, starts, counts, size };
}

function modelOf(trainer: PairMerger): BpeModel {
  const made = Int32Array.from(trainer.merges, ([, , id]) => id);
  const pairs = Int32Array.from(trainer.merges.flatMap(([left, right]) => [left, right]));
  const ids = new Map(trainer.tokens.map((token, id) => [token, id]));
  return new BpeModel(vocabularyOf(ids, byteLevelBytes), new MergeTable(pairs, made));
}
