/** Reads and writes the tokenizer.json of the reference library. */
import { MAX_ID, readBpe, readVocabulary } from "./models/bpe/bpe-json.ts";
import { JsonField } from "./json-field.ts";
import type { Model } from "./models/model.ts";
import { type Padding, maxPadding } from "./encoding/padding.ts";
import { vocabSizeOf } from "./added-tokens/new-tokens.ts";
import type { AddedToken } from "./added-tokens/token-matcher.ts";
import type { Truncation } from "./encoding/truncation.ts";
import { WordPieceModel } from "./models/wordpiece-model.ts";

/** The parts beside model and added tokens; the four objects are kept as the file writes them. */
export interface TokenizerConfig {
  readonly normalizer: object | null;
  readonly pre_tokenizer: object | null;
  readonly post_processor: object | null;
  readonly decoder: object | null;
  readonly truncation: Truncation | null;
  readonly padding: Padding | null;
}

/** Characters of all added tokens: the matcher has a node for each of their bytes. */
const MAX_ADDED_TEXT = 1 << 22;

/** A whole tokenizer.json. */
export type TokenizerJson = Record<string, unknown>;

interface Parts {
  readonly model: Model;
  readonly addedTokens: readonly AddedToken[];
  readonly config: TokenizerConfig;
}

export function readTokenizerJson(json: string | object): Parts {
  const root = JsonField.file(json, "");
  const part = (name: string): object | null => root.get(name).optional((field) => field.shallow().object()) ?? null;
  const model = readModel(root.get("model"));
  const addedTokens = readAddedTokens(root.get("added_tokens"), model);
  const maxId = vocabSizeOf({ model, addedTokens }) - 1;
  return {
    model,
    addedTokens,
    config: {
      normalizer: part("normalizer"),
      pre_tokenizer: part("pre_tokenizer"),
      post_processor: part("post_processor"),
      decoder: part("decoder"),
      truncation: root.get("truncation").optional(readTruncation) ?? null,
      padding: root.get("padding").optional((field) => readPadding(field, maxId)) ?? null,
    },
  };
}

export function writeTokenizerJson({ model, addedTokens, config }: Parts): TokenizerJson {
  const { truncation, padding } = config;
  return {
    version: "1.0",
    truncation: truncation && {
      direction: truncation.side === "left" ? "Left" : "Right",
      max_length: truncation.maxLength,
      strategy: { longest_first: "LongestFirst", only_first: "OnlyFirst", only_second: "OnlySecond" }[
        truncation.strategy ?? "longest_first"
      ],
      stride: truncation.stride ?? 0,
    },
    padding: padding && {
      strategy: padding.length === undefined ? "BatchLongest" : { Fixed: padding.length },
      direction: padding.side === "left" ? "Left" : "Right",
      pad_to_multiple_of: padding.multipleOf ?? null,
      pad_id: padding.id ?? 0,
      pad_type_id: padding.typeId ?? 0,
      pad_token: padding.token ?? "[PAD]",
    },
    added_tokens: [...addedTokens]
      .sort((a, b) => a.id - b.id)
      .map(({ id, content, singleWord, lstrip, rstrip, normalized, special }) => {
        return { id, content, single_word: singleWord, lstrip, rstrip, normalized, special };
      }),
    normalizer: config.normalizer,
    pre_tokenizer: config.pre_tokenizer,
    post_processor: config.post_processor,
    decoder: config.decoder,
    model: model.toJSON(),
  };
}

const otherKinds = "choose a model with one of these tokenizers";

function readModel(field: JsonField): Model {
  // Files of 2020 leave the type out.
  const type = field.get("type").value ?? (field.get("merges").value === undefined ? undefined : "BPE");
  switch (type) {
    case "BPE":
      return readBpe(field, readVocabulary(field.get("vocab")));
    case "WordPiece":
      return WordPieceModel.read(field, readVocabulary(field.get("vocab")));
    default:
      return field.get("type").refuse('"BPE" (byte-level) or "WordPiece"', otherKinds);
  }
}

function readAddedTokens(field: JsonField, model: Model): AddedToken[] {
  const seen = new Set<number | string>();
  let room = MAX_ADDED_TEXT;
  return (field.optional((list) => list.items()) ?? []).map((item) => {
    const special = item.get("special").boolean(false);
    const token: AddedToken = {
      id: item.get("id").count(MAX_ID - 1),
      content: item.get("content").string(),
      singleWord: item.get("single_word").boolean(false),
      lstrip: item.get("lstrip").boolean(false),
      rstrip: item.get("rstrip").boolean(false),
      normalized: item.get("normalized").boolean(!special),
      special,
    };
    if (token.content === "") item.get("content").refuse("a text of one character or more");
    room -= token.content.length;
    if (room < 0) field.refuse(`texts of at most ${MAX_ADDED_TEXT} characters in all`);
    if (seen.has(token.id)) item.get("id").refuse("an id of its own");
    if (seen.has(token.content)) item.get("content").refuse("a text of its own");
    const known = model.tokenToId(token.content);
    if (known !== undefined && known !== token.id) item.get("id").refuse(`${known}, as in the vocabulary of the model`);
    seen.add(token.id).add(token.content);
    return token;
  });
}

function readTruncation(field: JsonField): Truncation {
  const strategies = { LongestFirst: "longest_first", OnlyFirst: "only_first", OnlySecond: "only_second" } as const;
  return {
    maxLength: field.get("max_length").count(),
    side: field.get("direction").optional((value) => value.oneOf("Left", "Right")) === "Left" ? "left" : "right",
    strategy: strategies[field.get("strategy").oneOf("LongestFirst", "OnlyFirst", "OnlySecond")],
    stride: field.get("stride").count(),
  };
}

function readPadding(field: JsonField, maxId: number): Padding {
  const strategy = field.get("strategy");
  const multiple = field.get("pad_to_multiple_of").optional((value) => value.count(maxPadding));
  return {
    ...(strategy.value === "BatchLongest" ? {} : { length: strategy.get("Fixed").count(maxPadding) }),
    ...(multiple === undefined ? {} : { multipleOf: multiple }),
    side: field.get("direction").oneOf("Left", "Right") === "Left" ? "left" : "right",
    id: field.get("pad_id").count(maxId),
    token: field.get("pad_token").string(),
    typeId: field.get("pad_type_id").count(255),
  };
}
