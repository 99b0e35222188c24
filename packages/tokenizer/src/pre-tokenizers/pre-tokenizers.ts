/** The pre-tokenizers of a tokenizer.json. */
import { splitGpt2 } from "./gpt2-splitter.ts";
import type { JsonField } from "../json-field.ts";
import { PieceBuilder } from "../normalizers/normalizer.ts";
import {
  type Behavior,
  type Part,
  type Pattern,
  applyBehavior,
  behaviors,
  characterPattern,
  regexPattern,
} from "./pattern.ts";
import type { Piece } from "../text/piece.ts";
import type { PreTokenizer } from "./pre-tokenizer.ts";
import { escapeRegex, translateRegex } from "./regex-translation.ts";
import { NUMERIC, PUNCTUATION } from "../text/unicode-data.ts";
import { codePointSet, isSpace, isWordCharacter } from "../text/unicode.ts";
import { characterLength, codePointAt } from "../text/utf8.ts";
import { WordList } from "./word-list.ts";

/** Cuts a stretch of bytes; the parts come in order. */
type Step = (bytes: Uint8Array, start: number, end: number) => Part[];

const isPunctuation = codePointSet(PUNCTUATION);
const wholePiece: PreTokenizer["prepare"] = (piece) => piece;

/** Which models a pre-tokenizer is for: bytes have to be the last thing it makes for BPE, and never for WordPiece. */
type ModelKind = "BPE" | "WordPiece";

export function readPreTokenizer(field: JsonField, kind: ModelKind): PreTokenizer {
  if (field.value === null || field.value === undefined) {
    return kind === "BPE" ? field.refuse("ByteLevel, or a Sequence that ends with it") : chain([]);
  }
  const list = field.parts("pretokenizers");
  const last = list.at(-1);
  for (const item of list) {
    if (isByteLevel(item) && (kind !== "BPE" || item !== last))
      item.refuse("no ByteLevel before the end, nor with WordPiece");
  }
  if (kind === "WordPiece") return chain(list.map(readStep));
  if (last === undefined || !isByteLevel(last))
    field.get("type").refuse('"ByteLevel", or a "Sequence" that ends with it');
  const prefix = last!.get("add_prefix_space");
  if (prefix.boolean(true) && list.length > 1) prefix.refuse("false after other pre-tokenizers");
  const prepare = prefix.boolean(true) ? withBlankBefore : wholePiece;
  const gpt2 = last!.get("use_regex").boolean(true);
  if (list.length === 1 && gpt2) {
    return { prepare, split: (piece, from, words) => splitGpt2(piece.bytes, from, piece.end, words) };
  }
  return { ...chain([...list.slice(0, -1).map(readStep), ...(gpt2 ? [gpt2Step] : [])]), prepare };
}

const isByteLevel = (field: JsonField): boolean => field.get("type").value === "ByteLevel";

function readStep(field: JsonField): Step {
  const type = field.get("type");
  switch (type.value) {
    case "Split":
      return splitStep(field);
    case "Digits":
      return step(
        characterPattern(codePointSet(NUMERIC)),
        field.get("individual_digits").boolean(false) ? "Isolated" : "Contiguous",
      );
    case "Punctuation":
      return step(
        characterPattern(isPunctuation),
        field.get("behavior").optional((value) => value.oneOf(...behaviors)) ?? "Isolated",
      );
    case "WhitespaceSplit":
      return step(characterPattern(isSpace), "Removed");
    case "Whitespace":
      return wordsAndRuns;
    case "BertPreTokenizer":
      return inTurn([step(characterPattern(isSpace), "Removed"), step(characterPattern(isPunctuation), "Isolated")]);
    default:
      return type.refuse(
        '"ByteLevel", "Split", "Digits", "Punctuation", "Whitespace", "WhitespaceSplit", "BertPreTokenizer" or a "Sequence" of them',
      );
  }
}

function splitStep(field: JsonField): Step {
  const pattern = field.get("pattern");
  const text = pattern.get("String").optional((value) => value.string());
  const regex = text === undefined ? translateRegex(pattern.get("Regex")) : new RegExp(escapeRegex(text), "gu");
  return step(regexPattern(regex), field.get("behavior").oneOf(...behaviors), field.get("invert").boolean(false));
}

function step(pattern: Pattern, behavior: Behavior, invert = false): Step {
  return (bytes, start, end) => {
    const parts = pattern(bytes, start, end);
    return applyBehavior(invert ? parts.map((part) => ({ ...part, matches: !part.matches })) : parts, behavior);
  };
}

/** Runs of word characters and runs of what is neither word nor blank (`\w+|[^\w\s]+`). */
const wordsAndRuns: Step = (bytes, start, end) => {
  const parts: Part[] = [];
  let before = 0;
  for (let at = start; at < end;) {
    const c = codePointAt(bytes, at);
    const next = at + characterLength(bytes[at]!);
    const kind = isWordCharacter(c) ? 1 : isSpace(c) ? 0 : 2;
    if (kind !== 0 && kind === before) parts.at(-1)!.end = next;
    else if (kind !== 0) parts.push({ start: at, end: next, matches: true });
    before = kind;
    at = next;
  }
  return parts;
};

const gpt2Step: Step = (bytes, start, end) => {
  const words = new WordList();
  const parts: Part[] = [];
  for (let at = start; at < end;) {
    at = splitGpt2(bytes, at, end, words);
    for (let i = 0; i < words.count; i++)
      parts.push({ start: words.ranges[2 * i]!, end: words.ranges[2 * i + 1]!, matches: true });
  }
  return parts;
};

const inTurn =
  (steps: readonly Step[]): Step =>
  (bytes, start, end) =>
    steps.reduce<Part[]>(
      (parts, next) => parts.flatMap((part) => next(bytes, part.start, part.end)),
      [{ start, end, matches: false }],
    );

/** Steps one after another, each on the parts of the one before; cut once, when a piece begins, and then handed out. */
function chain(steps: readonly Step[]): PreTokenizer {
  const cut = inTurn(steps);
  let parts: Part[] = [];
  let next = 0;
  return {
    prepare: wholePiece,
    split: (piece, from, words) => {
      if (from === piece.start) {
        parts = cut(piece.bytes, piece.start, piece.end).filter((part) => part.start < part.end);
        next = 0;
      }
      const count = Math.min(words.ends.length, parts.length - next);
      for (let i = 0; i < count; i++, next++) {
        words.ranges[2 * i] = parts[next]!.start;
        words.ranges[2 * i + 1] = parts[next]!.end;
      }
      words.count = count;
      const rest = parts[next]?.start ?? piece.end;
      if (rest === piece.end) parts = [];
      return rest;
    },
  };
}

/** The piece with a blank before it, unless it begins with one; the blank stands for the first character. */
function withBlankBefore(piece: Piece): Piece {
  if (piece.start === piece.end || piece.bytes[piece.start] === 0x20) return piece;
  const builder = new PieceBuilder(piece);
  builder.put(0x20, piece.start);
  builder.copy(piece.start, piece.end);
  return builder.build();
}
