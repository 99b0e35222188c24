/** The tokens of a text as TEI tells them: special ones by name, others by the bytes that they stand for. */
import type { EncodeOptions, Tokenizer } from "@modernbert-ts/tokenizer";
import type { Tokenise } from "./encoder.ts";

export interface Token {
  readonly id: number;
  readonly text: string;
  readonly special: boolean;
  /** Bytes of UTF-8 from the beginning of the text; null for tokens that are not in it. */
  readonly start: number | null;
  readonly stop: number | null;
}

const utf8 = new TextDecoder();

/** Tokens that are made at once: a text may have a million. */
const block = 1024;

/**
 * The tokens of a text in blocks, each made when it is asked for.
 * @param encode tokenises instead of the tokenizer, to what that makes
 */
export async function tokenBlocks(
  tokenizer: Tokenizer,
  text: string,
  addSpecialTokens: boolean,
  encode?: Tokenise,
): Promise<readonly (() => Token[])[]> {
  const options: EncodeOptions = { addSpecialTokens, offsets: "byte", truncation: false, padding: false };
  const encoding = encode ? await encode(text, options) : tokenizer.encode(text, options);
  const { ids, offsets } = encoding;
  const mask = encoding.specialTokensMask;
  const bytes = new TextEncoder().encode(text);
  const tokenAt = (id: number, at: number): Token => {
    if (mask[at] === 1) {
      return { id, text: tokenizer.idToToken(id) ?? "", special: true, start: null, stop: null };
    }
    const [start, stop] = [offsets![2 * at]!, offsets![2 * at + 1]!];
    return { id, text: utf8.decode(bytes.subarray(start, stop)), special: false, start, stop };
  };
  return Array.from({ length: Math.ceil(ids.length / block) }, (_, nth) => () => {
    const from = nth * block;
    return Array.from(ids.subarray(from, from + block), (id, at) => tokenAt(id, from + at));
  });
}
