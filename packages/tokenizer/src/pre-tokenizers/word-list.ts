/**
 * A fixed batch of words between the pre-tokenizer and the model: byte ranges in, how many tokens each made out.
 * One batch is small enough to stay in the cache and spares a call per word.
 */
const WORDS = 2048;

export class WordList {
  /** Start and end of each word, in bytes. */
  readonly ranges: Int32Array = new Int32Array(WORDS * 2);
  /** Written by the model: length of the token list after each word. */
  readonly ends: Int32Array = new Int32Array(WORDS);
  count = 0;
}
