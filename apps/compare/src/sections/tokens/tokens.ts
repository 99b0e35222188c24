/** How many tokens a word of prose and of code takes: a WordPiece vocabulary of BERT's size trained here, and the BPE that ModernBERT has. */
import { loadModernBertTokenizer, trainWordPiece } from "@modernbert-ts/tokenizer";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import type { Measurement } from "../../records/record.ts";
import { paragraph } from "../../report/block.ts";
import type { Block, Claim } from "../../report/block.ts";
import { figure } from "../../report/svg.ts";
import type { Context, Section } from "../section.ts";

/** Of one tokenizer on one kind of text. */
type Counts = {
  readonly tokenizer: "wordpiece" | "bpe";
  readonly text: string;
  readonly vocabulary: number;
  readonly words: number;
  readonly tokens: number;
  /** Tokens that stand for what the vocabulary cannot spell. */
  readonly unknown: number;
  /** UTF-8 bytes of the text. */
  readonly bytes: number;
};

type TokenRecord = { readonly counts: readonly Counts[] };

const vocabSize = { quick: 8192, standard: 30_522, full: 30_522 };
const heldOutProse = "prose (Brown, held out)";
const names = { wordpiece: "WordPiece", bpe: "OLMo BPE" };

export const tokensSection: Section<TokenRecord> = {
  name: "tokens",
  title: "Tokens per word",
  minutes: { quick: 0.4, standard: 0.8, full: 0.8 },
  async measure({ level, corpora, measured, log }: Context) {
    const settings = { vocabSize: vocabSize[level], training: "Brown, training files", lowercase: true };
    await measured("words", settings, async () => {
      const { train, heldOut } = corpora.brown();
      log(`training a WordPiece vocabulary of ${vocabSize[level]}`);
      const wordpiece = trainWordPiece(
        train.map(({ text }) => text),
        { vocabSize: vocabSize[level] },
      );
      const code = corpora.code();
      const texts = [
        { name: heldOutProse, texts: heldOut.map(({ text }) => text) },
        { name: `TypeScript (${code.source})`, texts: code.texts },
      ];
      const bpe = await loadModernBertTokenizer();
      const counts = texts.flatMap((each) => [count("wordpiece", wordpiece, each), count("bpe", bpe, each)]);
      return { counts };
    });
  },
  render(records) {
    const [record] = records;
    return record ? renderCounts(record) : [];
  },
  claims(records) {
    const claim = "The tokenizer is made for code as well: fewer tokens for the same text";
    const [record] = records;
    return [record ? codeClaim(claim, record) : { claim, measured: "", verdict: "not measured" }];
  },
};

function count(
  kind: Counts["tokenizer"],
  tokenizer: Tokenizer,
  { name, texts }: { readonly name: string; readonly texts: readonly string[] },
): Counts {
  const unknownId = tokenizer.tokenToId("[UNK]");
  let [words, tokens, unknown, bytes] = [0, 0, 0, 0];
  for (const text of texts) {
    const { ids } = tokenizer.encode(text, { addSpecialTokens: false });
    tokens += ids.length;
    for (const id of ids) if (id === unknownId) unknown++;
    words += text.split(/\s+/).filter((word) => word !== "").length;
    bytes += Buffer.byteLength(text);
  }
  return { tokenizer: kind, text: name, vocabulary: tokenizer.vocabSize, words, tokens, unknown, bytes };
}

const perWord = ({ tokens, words }: Counts): number => tokens / words;
const named = ({ tokenizer }: Counts): string => names[tokenizer];

function renderCounts({ values: { counts } }: Measurement<TokenRecord>): readonly Block[] {
  const texts = [...new Set(counts.map(({ text }) => text))];
  const series = [...new Set(counts.map(named))].map((name) => ({
    name,
    values: texts.map((text) => {
      const found = counts.find((each) => named(each) === name && each.text === text);
      return found && { value: perWord(found) };
    }),
  }));
  return [
    paragraph(
      "The WordPiece vocabulary is trained here on the training files of the Brown corpus: a million words of American English and no code. " +
        "BERT's own was trained on far more text, so its figures on prose are better than these; BPE's come from the vocabulary as published. " +
        "A word is what stands between blanks. WordPiece drops blanks, line ends and, here, capitals; BPE keeps them all, and what WordPiece cannot spell becomes [UNK], one token that says nothing: the column beside tells how many.",
    ),
    { kind: "bars", title: "Tokens per word (less is better)", unit: "tokens per word", groups: texts, series },
    {
      kind: "table",
      title: "Words and tokens",
      columns: ["Text", "Tokenizer", "Vocabulary", "Words", "Tokens", "Tokens per word", "Bytes per token", "[UNK]"],
      rows: counts.map((each) => [
        each.text,
        named(each),
        each.vocabulary.toLocaleString("en-US"),
        each.words.toLocaleString("en-US"),
        each.tokens.toLocaleString("en-US"),
        perWord(each).toFixed(3),
        figure(each.bytes / each.tokens),
        `${((100 * each.unknown) / each.tokens).toFixed(2)} %`,
      ]),
    },
  ];
}

function codeClaim(claim: string, { values: { counts } }: Measurement<TokenRecord>): Claim {
  const [wordpiece, bpe] = (["wordpiece", "bpe"] as const).map((kind) =>
    counts.find(({ tokenizer, text }) => tokenizer === kind && text !== heldOutProse),
  );
  if (!wordpiece || !bpe) return { claim, measured: "", verdict: "not measured" };
  return {
    claim,
    measured: `${figure(perWord(bpe))} tokens per word of code, ${figure(perWord(wordpiece))} by WordPiece trained on prose`,
    verdict: perWord(bpe) < perWord(wordpiece) ? "shown" : "not shown",
  };
}
