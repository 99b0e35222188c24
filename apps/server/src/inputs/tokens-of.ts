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

/** @param encode tokenises instead of the tokenizer, to what that makes */
export async function tokensOf(
  tokenizer: Tokenizer,
  text: string,
  addSpecialTokens: boolean,
  encode?: Tokenise,
): Promise<Token[]> {
  const options: EncodeOptions = { addSpecialTokens, offsets: "byte", truncation: false, padding: false };
  const encoding = encode ? await encode(text, options) : tokenizer.encode(text, options);
  const { ids, offsets, specialTokensMask, tokens } = encoding;
  const bytes = new TextEncoder().encode(text);
  return Array.from(ids, (id, at) => {
    if (specialTokensMask[at] === 1) return { id, text: tokens[at]!, special: true, start: null, stop: null };
    const [start, stop] = [offsets![2 * at]!, offsets![2 * at + 1]!];
    return { id, text: utf8.decode(bytes.subarray(start, stop)), special: false, start, stop };
  });
}
