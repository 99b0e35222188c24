/** Tokenizers of BERT's form: cleaned, lower-cased words, WordPiece, `[CLS] A [SEP] B [SEP]`. */
import type { AddedToken } from "./added-tokens/token-matcher.ts";
import { TokenizerError } from "./errors.ts";
import { vocabularyOf } from "./models/vocabulary.ts";
import { WordPieceModel } from "./models/wordpiece-model.ts";
import { toUtf8 } from "./text/utf8.ts";
import type { TokenizerConfig } from "./tokenizer-json.ts";
import { Tokenizer } from "./tokenizer.ts";

/** Of BERT, in the order in which a vocabulary trained here has them. */
export const bertSpecialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;

/** Before a piece that goes on with a word. */
export const continuingPrefix = "##";

export interface BertTokenizerOptions {
  /** Lower-case texts and take accents off (default true). */
  readonly lowercase?: boolean;
}

/** How BERT makes words of texts, as a tokenizer.json writes it. */
export const bertWords = (lowercase: boolean): Pick<TokenizerConfig, "normalizer" | "pre_tokenizer"> => ({
  normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase },
  pre_tokenizer: { type: "BertPreTokenizer" },
});

const piece = (id: string, type_id: number): object => ({ SpecialToken: { id, type_id } });
const sequence = (id: string, type_id: number): object => ({ Sequence: { id, type_id } });

/**
 * The tokenizer of a WordPiece vocabulary given by id: the lines of a vocab.txt.
 * @throws TokenizerError where one of [PAD] [UNK] [CLS] [SEP] [MASK] is missing, or a token is empty or stands there twice.
 */
export function bertTokenizer(
  vocabulary: readonly string[],
  { lowercase = true }: BertTokenizerOptions = {},
): Tokenizer {
  const ids = new Map(vocabulary.map((token, id) => [token, id]));
  const wrong = vocabulary.findIndex((token, id) => token === "" || ids.get(token) !== id);
  if (wrong >= 0) {
    throw new TokenizerError(
      `[bertTokenizer] expected each token once and none empty, got ${JSON.stringify(vocabulary[wrong])} at id ${wrong}`,
    );
  }
  const idOf = (token: string): number => {
    const id = ids.get(token);
    if (id !== undefined) return id;
    throw new TokenizerError(`[bertTokenizer] expected a vocabulary with ${token}, got one without`);
  };
  const addedTokens = bertSpecialTokens.map((content): AddedToken => {
    return {
      id: idOf(content),
      content,
      singleWord: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    };
  });
  const single = [piece("[CLS]", 0), sequence("A", 0), piece("[SEP]", 0)];
  const entry = (id: string): object => ({ id, ids: [idOf(id)], tokens: [id] });
  return new Tokenizer({
    model: new WordPieceModel(vocabularyOf(ids, toUtf8), {
      unkToken: "[UNK]",
      prefix: continuingPrefix,
      maxCharacters: 100,
    }),
    addedTokens,
    config: {
      ...bertWords(lowercase),
      post_processor: {
        type: "TemplateProcessing",
        single,
        pair: [...single, sequence("B", 1), piece("[SEP]", 1)],
        special_tokens: { "[CLS]": entry("[CLS]"), "[SEP]": entry("[SEP]") },
      },
      decoder: { type: "WordPiece", prefix: continuingPrefix, cleanup: true },
      truncation: null,
      padding: null,
    },
  });
}

/** The vocab.txt of a tokenizer: a token a line, by id. @throws TokenizerError where an id has no token, or a token holds a line break. */
export function vocabText(tokenizer: Tokenizer): string {
  const lines = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.idToToken(id));
  const wrong = lines.findIndex((token) => token === undefined || /[\r\n]/.test(token));
  if (wrong < 0) return lines.map((token) => `${token}\n`).join("");
  throw new TokenizerError(
    `[vocabText] expected a token of one line for each id, got ${JSON.stringify(lines[wrong])} at id ${wrong}: write a tokenizer.json`,
  );
}
