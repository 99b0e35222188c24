/**
 * The tokenizer of ModernBERT, built in: the byte-level BPE vocabulary of OLMo 1.5 (GPT-NeoX-20B's merges), with the
 * tokens for masked personal data, runs of blanks, BERT's special tokens and 83 unused ones (50,368 ids). The merges
 * are a generated module; all else is written here.
 */
import { BpeModel } from "./models/bpe/bpe-model.ts";
import { byteAlphabet } from "./text/byte-alphabet.ts";
import { TokenizerError } from "./errors.ts";
import { MergeTable } from "./models/bpe/merge-table.ts";
import type { TokenizerConfig } from "./tokenizer-json.ts";
import { Tokenizer } from "./tokenizer.ts";
import type { AddedToken } from "./added-tokens/token-matcher.ts";
import { toUtf8 } from "./text/utf8.ts";
import { Vocabulary } from "./models/vocabulary.ts";

declare function atob(text: string): string;

const FIRST_BYTE_ID = 2;
const FIRST_MERGED_ID = 245;
const FIRST_BLANKS_ID = 50254;
const FIRST_SPECIAL_ID = 50279;
const FIRST_UNUSED_ID = 50285;
const UNUSED = 83;

/**
 * The 50,368-token ModernBERT tokenizer. Works in Node and in the browser, with no file and no network.
 * @throws TokenizerError where the package was not built.
 */
export async function loadModernBertTokenizer(): Promise<Tokenizer> {
  const { MERGES } = await import("../generated/modernbert-vocabulary.js").catch((error: unknown) => {
    throw new TokenizerError(
      `[loadModernBertTokenizer] expected the built-in vocabulary (generated/modernbert-vocabulary.js), got: ${(error as Error).message}; build the package @modernbert-ts/tokenizer`,
    );
  });
  return new Tokenizer({
    model: builtInModel(MERGES),
    addedTokens: builtInTokens(),
    config: modernBertConfig(50281, 50282),
  });
}

const specialPiece = (id: string): object => ({ SpecialToken: { id, type_id: 0 } });
const sequencePiece = (id: string): object => ({ Sequence: { id, type_id: 0 } });
const tokenEntry = (id: string, number: number): object => ({ id, ids: [number], tokens: [id] });

/** What ModernBERT's tokenizer does around its vocabulary; also the form of a tokenizer trained here. */
export function modernBertConfig(cls: number, sep: number): TokenizerConfig {
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const single = [specialPiece("[CLS]"), sequencePiece("A"), specialPiece("[SEP]")];
  return {
    normalizer: { type: "NFC" },
    pre_tokenizer: byteLevel,
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair: [...single, sequencePiece("B"), specialPiece("[SEP]")],
      special_tokens: { "[CLS]": tokenEntry("[CLS]", cls), "[SEP]": tokenEntry("[SEP]", sep) },
    },
    decoder: byteLevel,
    truncation: null,
    padding: null,
  };
}

/** An added token with the usual settings: special tokens are looked for in the raw text, others in the normalised. */
export function addedToken(id: number, content: string, special: boolean): AddedToken {
  const lstrip = content === "[MASK]";
  return { id, content, singleWord: false, lstrip, rstrip: false, normalized: !special, special };
}

function builtInTokens(): AddedToken[] {
  const tokens = [addedToken(0, "|||IP_ADDRESS|||", false), addedToken(1, "<|padding|>", true)];
  for (let blanks = 24; blanks >= 2; blanks--) {
    tokens.push(addedToken(FIRST_BLANKS_ID + 24 - blanks, " ".repeat(blanks), false));
  }
  tokens.push(addedToken(50277, "|||EMAIL_ADDRESS|||", false), addedToken(50278, "|||PHONE_NUMBER|||", false));
  ["<|endoftext|>", "[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"].forEach((content, i) => {
    tokens.push(addedToken(FIRST_SPECIAL_ID + i, content, true));
  });
  for (let i = 0; i < UNUSED; i++) tokens.push(addedToken(FIRST_UNUSED_ID + i, `[unused${i}]`, false));
  return tokens;
}

/** Bytes that valid UTF-8 uses, in the order of their characters in the byte alphabet. */
function usedBytes(): number[] {
  const bytes = Array.from({ length: 0xf5 }, (_, byte) => byte).filter((byte) => byte !== 0xc0 && byte !== 0xc1);
  return bytes.sort((a, b) => byteAlphabet[a]!.charCodeAt(0) - byteAlphabet[b]!.charCodeAt(0));
}

function builtInModel(packed: string): BpeModel {
  const pairs = unpackPairs(packed);
  const opening = [
    toUtf8("|||IP_ADDRESS|||"),
    toUtf8("<|padding|>"),
    ...usedBytes().map((byte) => Uint8Array.of(byte)),
  ];
  const { bytes, starts } = spellTokens(opening, pairs);
  const made = new Int32Array(pairs.length >> 1);
  for (let i = 0; i < made.length; i++) made[i] = FIRST_MERGED_ID + i;
  return new BpeModel(new Vocabulary(bytes, starts, (id) => id < FIRST_BYTE_ID), new MergeTable(pairs, made));
}

/** Base64 of little-endian 16-bit ids. */
function unpackPairs(packed: string): Int32Array {
  const text = atob(packed);
  const pairs = new Int32Array(text.length >> 1);
  for (let i = 0, at = 0; i < pairs.length; i++, at += 2)
    pairs[i] = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8);
  return pairs;
}

/** The bytes of all tokens, one after another: those given, then for each pair of ids the bytes of both. */
function spellTokens(opening: readonly Uint8Array[], pairs: Int32Array): { bytes: Uint8Array; starts: Uint32Array } {
  const size = opening.length + (pairs.length >> 1);
  const starts = new Uint32Array(size + 1);
  opening.forEach((token, id) => (starts[id + 1] = starts[id]! + token.length));
  for (let id = opening.length, i = 0; id < size; id++, i += 2) {
    const [left, right] = [pairs[i]!, pairs[i + 1]!];
    starts[id + 1] = starts[id]! + starts[left + 1]! - starts[left]! + starts[right + 1]! - starts[right]!;
  }
  const bytes = new Uint8Array(starts[size]!);
  opening.forEach((token, id) => bytes.set(token, starts[id]));
  let at = starts[opening.length]!;
  for (let i = 0; i < pairs.length; i++) {
    const part = pairs[i]!;
    const end = starts[part + 1]!;
    for (let from = starts[part]!; from < end; from++) bytes[at++] = bytes[from]!;
  }
  return { bytes, starts };
}
