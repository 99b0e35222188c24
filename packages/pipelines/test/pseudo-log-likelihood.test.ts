/** Pseudo-log-likelihoods against one masked sequence at a time, and independent of how they are packed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { maskedLmLogits, packSequences, readOnce } from "@modernbert-ts/encoder";
import { afterAll, expect, test, vi } from "vitest";
import { openPipeline, pseudoLogLikelihood } from "../src/index.ts";
import type { Pipeline } from "../src/index.ts";
import { saveTinyModel } from "./support/tiny-model.ts";

const folder = mkdtempSync(join(tmpdir(), "modernbert-likelihood-"));
await saveTinyModel(folder);
const pipeline = await openPipeline(folder, { backend: "cpu", cpuEngine: "typescript" });
afterAll(async () => {
  await pipeline[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const texts = ["The capital of France is Paris.", "a", "a [MASK] b [CLS][UNK]", "Größe, 長さ 👩‍👧"];
const { mask, cls, sep } = pipeline.tokenizer.specialTokens;

/** log p of each token that is no [CLS], [SEP] or [MASK], in f64, from a forward pass of its own. */
async function plainly({ model, tokenizer }: Pipeline, text: string): Promise<{ token: number; log: number }[]> {
  const { ids } = tokenizer.encode(text);
  const found: { token: number; log: number }[] = [];
  for (const [place, token] of ids.entries()) {
    if (token === cls || token === sep || token === mask) continue;
    const masked = packSequences([ids.with(place, mask!)]);
    const logits = await readOnce(model.runtime, () =>
      maskedLmLogits(model, model.encode(masked), Int32Array.of(place)),
    );
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    found.push({ token, log: logits[token]! - Math.log(total) });
  }
  return found;
}

test("is what one masked sequence at a time gives; special tokens are neither masked nor counted, [UNK] is", async () => {
  const answers = await pseudoLogLikelihood(pipeline, texts);
  for (const [index, text] of texts.entries()) {
    const { pseudo_log_likelihood, num_tokens, tokens } = answers[index]!;
    const expected = await plainly(pipeline, text);
    expect(tokens.map(({ token }) => token)).toEqual(expected.map(({ token }) => token));
    const errors = tokens.map(({ log_probability }, at) => Math.abs(log_probability - expected[at]!.log));
    expect(Math.max(...errors)).toBeLessThan(1e-5);
    expect(num_tokens).toBe(expected.length);
    expect(pseudo_log_likelihood).toBeCloseTo(
      expected.reduce((sum, { log }) => sum + log, 0),
      4,
    );
  }
  expect(answers[0]!.tokens.map(({ token_str }) => token_str).join("")).toBe(texts[0]);
  expect(answers[2]!.tokens.map(({ token_str }) => token_str)).toEqual(["a", " ", "b", " ", "[UNK]"]);
});

test("packs of any size give the same, and bound what is computed at once", async () => {
  const forwards = vi.spyOn(pipeline.model, "run");
  const together = await pseudoLogLikelihood(pipeline, texts);
  expect(forwards).toHaveBeenCalledTimes(1);
  for (const maxTokensPerPack of [1, 40, 200]) {
    forwards.mockClear();
    const answers = await pseudoLogLikelihood(pipeline, texts, { maxTokensPerPack });
    for (const [{ ids, cuSeqlens }] of forwards.mock.calls)
      expect(cuSeqlens.length === 2 || ids.length <= maxTokensPerPack).toBe(true);
    answers.forEach(({ tokens }, index) => {
      const others = together[index]!.tokens;
      expect(tokens.map(({ token }) => token)).toEqual(others.map(({ token }) => token));
      const errors = tokens.map(({ log_probability }, at) => Math.abs(log_probability - others[at]!.log_probability));
      expect(Math.max(...errors)).toBeLessThan(1e-5);
    });
  }
  forwards.mockRestore();
});

test("more masks than rows of logits are held at once, and nothing stays on the device", async () => {
  const many = Array.from({ length: 30 }, (_, index) => `a b ${index}`);
  await pseudoLogLikelihood(pipeline, ["a"]);
  const live = pipeline.runtime.backend.memory().liveBuffers;
  const answers = await pseudoLogLikelihood(pipeline, many);
  expect(answers.reduce((sum, { num_tokens }) => sum + num_tokens, 0)).toBeGreaterThan(128);
  const [alone] = await pseudoLogLikelihood(pipeline, [many[29]!]);
  expect(answers[29]!.pseudo_log_likelihood).toBeCloseTo(alone!.pseudo_log_likelihood, 4);
  expect(pipeline.runtime.backend.memory().liveBuffers).toBe(live);
});

test.each<[string, string, RegExp]>([
  ["empty", "", /expected text, got nothing in text 1/],
  [
    "of special tokens only",
    "[MASK][CLS]",
    /expected a token to score, got only special tokens in text 1: leave it out/,
  ],
  ["too long", "x y ".repeat(100), /at most 64 tokens, got \d+ in text 1/],
])("a text that is %s is refused by name", async (_, text, message) => {
  await expect(pseudoLogLikelihood(pipeline, ["a", text])).rejects.toThrow(message);
});

test("truncate scores what is left", async () => {
  const [cut] = await pseudoLogLikelihood(pipeline, ["x y ".repeat(100)], { truncate: true });
  expect(cut!.num_tokens).toBe(62);
});

test("no texts are no answers; another head is an error", async () => {
  expect(await pseudoLogLikelihood(pipeline, [])).toEqual([]);
  await using encoder = await openPipeline(folder, { backend: "cpu", cpuEngine: "typescript", head: "none" });
  await expect(pseudoLogLikelihood(encoder, ["a"])).rejects.toThrow(
    /^\[pseudoLogLikelihood\] expected a model with head masked-lm or pretraining, got one with head none/,
  );
});
