/** Small tokenizers of every supported kind, as tokenizer.json objects: one vocabulary, many ways around it. */
import { trainBpe } from "../../src/index.ts";

const SAMPLE = `The quick brown fox jumps over the lazy dog. Don't we'll I'm they've it's 3.14 and 2718281828!
def function(argument):\n    return {"key": [1, 2, 3]}\n\n\t// naïve café Straße МОСКВА ελληνικά 日本語のテキスト שלום العربية हिन्दी ไทย 한국어
once upon a time there was a tokenizer that learned its merges from very little text, the text that the tokenizer read `;

type Json = Record<string, unknown>;

/** The trained base; a fresh copy for each variant. */
const tokenizer = trainBpe([SAMPLE.repeat(3)], { vocabSize: 700, padToMultipleOf: 1 });
const trained = JSON.stringify(tokenizer);
const SIZE = tokenizer.vocabSize;
const base = (): Json => JSON.parse(trained) as Json;

const byteLevel = (prefix: boolean, regex = true, trim = true): Json => ({
  type: "ByteLevel",
  add_prefix_space: prefix,
  trim_offsets: trim,
  use_regex: regex,
});
const split = (pattern: Json, behavior = "Isolated", invert = false): Json => ({
  type: "Split",
  pattern,
  behavior,
  invert,
});
const sequence = (...pretokenizers: Json[]): Json => ({ type: "Sequence", pretokenizers });

const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const O200K =
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const token = (id: number, content: string, flags: Json = {}): Json => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: false,
  ...flags,
});

/** Added tokens with every flag, some of which overlap or meet; their ids go on where the base ends. */
const flagged = [
  token(SIZE, "<left>", { lstrip: true }),
  token(SIZE + 1, "<right>", { rstrip: true }),
  token(SIZE + 2, "<both>", { lstrip: true, rstrip: true, special: true }),
  token(SIZE + 3, "word", { single_word: true }),
  token(SIZE + 4, "Word", { single_word: true, normalized: true }),
  token(SIZE + 5, "  ", { normalized: true, rstrip: true }),
  token(SIZE + 6, "aa"),
  token(SIZE + 7, "aab", { normalized: true }),
  token(SIZE + 8, "ÉÉ", { normalized: true }),
  token(SIZE + 9, "\n", { normalized: true }),
  token(SIZE + 10, "éé", { lstrip: true, rstrip: true, single_word: true }),
];

function with_(changes: Json, model: Json = {}, added: Json[] = []): Json {
  const json = base();
  const added_tokens = [...(json["added_tokens"] as Json[]), ...added];
  return { ...json, ...changes, added_tokens, model: { ...(json["model"] as Json), ...model } };
}

/** The vocabulary without the tokens of some bytes, which no merge uses; the reference passes over such bytes. */
function lacking(...texts: string[]): Json {
  const { vocab, merges } = base()["model"] as { vocab: Json; merges: [string, string][] };
  for (const text of texts) {
    if (merges.flat().includes(text)) throw new Error(`${text} is used by a merge`);
    delete vocab[text];
  }
  return vocab;
}

const specials = { "<s>": { id: "<s>", ids: [1], tokens: ["[CLS]"] } };
const startOnly = {
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
  pair: [
    { SpecialToken: { id: "<s>", type_id: 0 } },
    { Sequence: { id: "A", type_id: 0 } },
    { SpecialToken: { id: "<s>", type_id: 1 } },
    { Sequence: { id: "B", type_id: 1 } },
  ],
  special_tokens: specials,
};

function wordPiece(normalizer: Json | null, pre_tokenizer: Json | null, cleanup: boolean): Json {
  const characters = [...new Set(SAMPLE.toLowerCase().normalize("NFD") + SAMPLE)].filter((c) => c.trim() !== "");
  const words = ["the", "quick", "##er", "##ing", "##s", "token", "##izer", "don", "un", "##known", "naive", "日本"];
  const tokens = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    ...words,
    ...characters,
    ...characters.map((c) => `##${c}`),
  ];
  const vocab = Object.fromEntries([...new Set(tokens)].map((text, id) => [text, id]));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: tokens.slice(0, 5).map((content, id) => token(id, content, { special: true })),
    normalizer,
    pre_tokenizer,
    post_processor: { type: "BertProcessing", sep: ["[SEP]", 3], cls: ["[CLS]", 2] },
    decoder: { type: "WordPiece", prefix: "##", cleanup },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 20,
      vocab,
    },
  };
}

const bert = (
  lowercase: boolean,
  strip_accents: boolean | null,
  clean_text = true,
  handle_chinese_chars = true,
): Json => ({
  type: "BertNormalizer",
  clean_text,
  handle_chinese_chars,
  strip_accents,
  lowercase,
});

export const variants: Record<string, Json> = {
  "ModernBERT form": with_({}),
  "GPT-2": with_({ normalizer: null, pre_tokenizer: byteLevel(false), post_processor: byteLevel(false) }),
  "GPT-2, blank before, trimmed": with_({
    normalizer: null,
    pre_tokenizer: byteLevel(true),
    post_processor: byteLevel(true),
  }),
  RoBERTa: with_({
    normalizer: null,
    pre_tokenizer: byteLevel(true),
    post_processor: {
      type: "RobertaProcessing",
      sep: ["[SEP]", 2],
      cls: ["[CLS]", 1],
      trim_offsets: true,
      add_prefix_space: true,
    },
  }),
  "RoBERTa, untrimmed": with_({
    pre_tokenizer: byteLevel(false),
    post_processor: {
      type: "RobertaProcessing",
      sep: ["[SEP]", 2],
      cls: ["[CLS]", 1],
      trim_offsets: false,
      add_prefix_space: false,
    },
  }),
  "no post-processor, no decoder": with_({ post_processor: null, decoder: null }),
  "Llama 3": with_(
    {
      normalizer: null,
      pre_tokenizer: sequence(split({ Regex: LLAMA3 }), byteLevel(false, false)),
      post_processor: { type: "Sequence", processors: [byteLevel(true, true, false), startOnly] },
    },
    { ignore_merges: true },
  ),
  "Llama 3, trimmed": with_({
    normalizer: null,
    pre_tokenizer: sequence(split({ Regex: LLAMA3 }), byteLevel(false, false)),
    post_processor: { type: "Sequence", processors: [byteLevel(false), startOnly] },
  }),
  "Qwen 2": with_({ pre_tokenizer: sequence(split({ Regex: QWEN }), byteLevel(false, false)) }),
  o200k: with_({
    normalizer: null,
    pre_tokenizer: sequence(split({ Regex: O200K }, "Removed", true), byteLevel(false, false)),
  }),
  StarCoder: with_({
    normalizer: null,
    pre_tokenizer: sequence({ type: "Digits", individual_digits: true }, byteLevel(false)),
  }),
  DeepSeek: with_({
    normalizer: { type: "Sequence", normalizers: [] },
    pre_tokenizer: sequence(
      split({ Regex: "[\r\n]" }),
      split({ Regex: "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ]+" }),
      split({ Regex: "\\s?[!-/:-~！-／：-～‘-‟　-。]+" }),
      split({ Regex: "\\s+$" }),
      split({ Regex: "[一-龥ࠀ-一가-퟿]+" }),
      { type: "Digits", individual_digits: false },
      byteLevel(false, false),
    ),
  }),
  BLOOM: with_({
    normalizer: null,
    pre_tokenizer: sequence(split({ Regex: " ?[^(\\s|[.,!?…。，、।۔،])]+" }), byteLevel(false, false)),
  }),
  "no words at all": with_({ pre_tokenizer: byteLevel(false, false) }),
  "words and runs": with_({ pre_tokenizer: sequence({ type: "Whitespace" }, byteLevel(false, false)) }),
  "blanks and punctuation": with_({
    pre_tokenizer: sequence(
      { type: "WhitespaceSplit" },
      { type: "Punctuation", behavior: "MergedWithNext" },
      byteLevel(false),
    ),
  }),
  ...Object.fromEntries(
    ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"].flatMap((behavior) =>
      [false, true].map((invert) => [
        `Split ${behavior}${invert ? " inverted" : ""}`,
        with_({
          pre_tokenizer: sequence(
            split({ String: "e" }, behavior, invert),
            split({ Regex: "\\s+|\\d" }, behavior, invert),
            byteLevel(false, false),
          ),
        }),
      ]),
    ),
  ),
  "bytes that the vocabulary lacks": with_({}, { vocab: lacking("Z", "X", "Q") }),
  "tokens that no merge makes": with_(
    {},
    { vocab: { ...((base()["model"] as Json)["vocab"] as Json), Ġqq: SIZE, text: SIZE + 1 } },
  ),
  "flagged tokens": with_({}, {}, flagged),
  "flagged tokens, NFKC": with_({ normalizer: { type: "NFKC" }, pre_tokenizer: byteLevel(true) }, {}, flagged),
  "flagged tokens, lower case": with_(
    {
      normalizer: { type: "Sequence", normalizers: [{ type: "NFD" }, { type: "Lowercase" }, { type: "StripAccents" }] },
    },
    {},
    flagged,
  ),
  "NFKD and Strip": with_({
    normalizer: {
      type: "Sequence",
      normalizers: [{ type: "NFKD" }, { type: "Strip", strip_left: true, strip_right: true }],
    },
  }),
  "Strip left, NFD": with_({
    normalizer: {
      type: "Sequence",
      normalizers: [{ type: "Strip", strip_left: true, strip_right: false }, { type: "NFD" }],
    },
  }),
  "BERT uncased": wordPiece(bert(true, null), { type: "BertPreTokenizer" }, true),
  "BERT cased": wordPiece(bert(false, null), { type: "BertPreTokenizer" }, false),
  "BERT, accents only": wordPiece(bert(false, true, false, false), { type: "Whitespace" }, true),
  "BERT without normaliser": wordPiece(null, { type: "WhitespaceSplit" }, true),
};
