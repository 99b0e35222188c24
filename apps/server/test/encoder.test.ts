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
