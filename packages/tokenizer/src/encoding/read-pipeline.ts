/** The way from text to tokens that a tokenizer.json describes. */
import { type AddedToken, TokenMatcher } from "../added-tokens/token-matcher.ts";
import type { JsonField } from "../json-field.ts";
import type { Model } from "../models/model.ts";
import { WordPieceModel } from "../models/wordpiece-model.ts";
import { readNormalizer } from "../normalizers/normalizers.ts";
import { readPreTokenizer } from "../pre-tokenizers/pre-tokenizers.ts";
import { fromUtf8, toUtf8 } from "../text/utf8.ts";
import { Pipeline } from "./pipeline.ts";

/** `normalized` gives a text as the pipeline's normalizer leaves it. */
export function readPipeline(
  json: JsonField,
  model: Model,
  addedTokens: readonly AddedToken[],
): { readonly pipeline: Pipeline; readonly normalized: (text: string) => string } {
  const normalizer = readNormalizer(json.get("normalizer"));
  const normalized = (text: string): string => {
    const bytes = toUtf8(text);
    const piece = normalizer?.normalize({ bytes, start: 0, end: bytes.length });
    return piece === undefined ? text : fromUtf8(piece.bytes.subarray(piece.start, piece.end));
  };
  const [inText, inRaw] = [addedTokens.filter((t) => t.normalized), addedTokens.filter((t) => !t.normalized)];
  const pipeline = new Pipeline({
    model,
    normalizer,
    preTokenizer: readPreTokenizer(json.get("pre_tokenizer"), model instanceof WordPieceModel ? "WordPiece" : "BPE"),
    rawMatcher: new TokenMatcher(
      inRaw,
      inRaw.map((token) => token.content),
    ),
    normalizedMatcher: new TokenMatcher(
      inText,
      inText.map((token) => normalized(token.content)),
    ),
  });
  return { pipeline, normalized };
}
