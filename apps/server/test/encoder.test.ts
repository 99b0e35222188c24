/** Texts to token ids where the tokenizer knows more tokens than the model has rows. */
import { expect, test } from "vitest";
import { loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
import { ServeError } from "../src/errors.ts";
import { Encoder } from "../src/inputs/encoder.ts";
import type { EncodeSettings } from "../src/inputs/encoder.ts";

const tokenizer = await loadModernBertTokenizer();
const mask = tokenizer.tokenToId("[MASK]")!;
const settings: EncodeSettings = { truncate: false, side: "right", prompt: undefined };
const { signal } = new AbortController();

/** For a model whose rows end before [MASK]. */
const encoder = new Encoder(tokenizer, 16, mask);

test("texts of tokens that the model knows pass", async () => {
  const [ids] = await encoder.encode(["the cat"], settings, signal);
  expect([...ids!]).toEqual([...tokenizer.encode("the cat").ids]);
});

test("a text with a token beyond the rows is refused by name, in text and in prompt", async () => {
  const message = `\`inputs\` has the token "[MASK]" with id ${mask}, but the model's token ids end at ${mask - 1}`;
  const refused = new ServeError("Validation", message);
  await expect(encoder.encode(["the cat", "the [MASK]"], settings, signal)).rejects.toThrow(refused);
  await expect(encoder.encode(["the cat"], { ...settings, prompt: "[MASK] " }, signal)).rejects.toThrow(refused);
});

test("what is cut off does not count", async () => {
  const [ids] = await encoder.encode([`${"cat ".repeat(20)}[MASK]`], { ...settings, truncate: true }, signal);
  expect(ids).toHaveLength(16);
});

test("long texts are tokenised in threads, to the same ids; ids among them stay as they are", async () => {
  const long = "the river house ".repeat(2000);
  const inputs = [long, Int32Array.of(1, 2), `${long}cat`];
  const here = new Encoder(tokenizer, 8192, tokenizer.vocabSize);
  const threads = new Encoder(tokenizer, 8192, tokenizer.vocabSize, 1);
  try {
    expect(await threads.encode(inputs, settings, signal)).toEqual(await here.encode(inputs, settings, signal));
    const cut = { ...settings, truncate: true, side: "left" } as const;
    const short = new Encoder(tokenizer, 7, tokenizer.vocabSize, 1);
    expect((await short.encode(["cat ".repeat(400), ...Array(40).fill(long)], cut, signal))[0]).toHaveLength(7);
    await short.close();
  } finally {
    await threads.close();
  }
});

test("who goes away does not wait for the threads", async () => {
  const threads = new Encoder(tokenizer, 8192, tokenizer.vocabSize, 1);
  const gone = new AbortController();
  const encoding = threads.encode(["a".repeat(1_900_000)], { ...settings, truncate: true }, gone.signal);
  gone.abort(new Error("gone"));
  await expect(encoding).rejects.toThrow("gone");
  await threads.close();
});
