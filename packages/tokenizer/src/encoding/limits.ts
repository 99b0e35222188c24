/**
 * What one call may put together. How often a text is repeated (overflow, a template) and how far it is padded are numbers that come with a
 * tokenizer.json, so they are checked before anything of that size is allocated.
 */
import { TokenizerError } from "../errors.ts";

/** Tokens of all encodings of one call: half a gigabyte of ids. */
const maxTokens = 1 << 27;
/** An encoding weighs as much as this many tokens besides its own. */
const tokensPerEncoding = 64;

/** @throws TokenizerError when `count` encodings of `length` tokens each are more than one call may make; `from` says what asks for them. */
export function checkSize(count: number, length: number, from: string): void {
  if (count * (length + tokensPerEncoding) <= maxTokens) return;
  throw new TokenizerError(
    `[encode] expected encodings of at most ${maxTokens} tokens in all, got ${count} of ${length} by ${from}: give shorter texts, or other settings`,
  );
}
