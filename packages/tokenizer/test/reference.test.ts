/**
 * The built-in tokenizer against the reference library (npm `tokenizers`), on random texts and on real corpora.
 * A first part needs no peer: random texts of a fixed seed, whose results the reference once hashed
 * (UPDATE_FIXTURES=1 writes them anew, when the generator or the reference changes).
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadModernBertTokenizer } from "../src/index.ts";
import { readCorpora } from "./support/corpora.ts";
import { difference, firstDifference, loadReference, summaryOf, summaryOfReference } from "./support/reference.ts";
import { texts } from "./support/texts.ts";

/** CI compares 100,000; a run at hand a part of them. */
const RUNS = Number(process.env["RUNS"] ?? (process.env["CI"] ? 100_000 : 10_000));
const tokenizer = await loadModernBertTokenizer();
const arbitrary = texts(tokenizer.addedTokens.map((token) => token.content));
const reference = await loadReference();
const corpora = await readCorpora();
const why = typeof reference === "string" ? ` (skipped: ${reference})` : "";
const theirs = typeof reference === "string" ? undefined : reference.fromJson(JSON.stringify(tokenizer));

const SEED = 20_260_101;
const BLOCK = 1000;
const fixture = new URL("fixtures/fixed-seed.json", import.meta.url);

const hash = (values: unknown): string =>
  createHash("sha256").update(JSON.stringify(values)).digest("hex").slice(0, 16);
const form = ({ ids, tokens, offsets }: { ids: number[]; tokens: string[]; offsets: number[][] }) => [
  ids,
  tokens,
  offsets,
];

test("random texts of a fixed seed give what the reference gave", async () => {
  const samples = fc.sample(arbitrary, { seed: SEED, numRuns: 20 * BLOCK });
  const blocks = Array.from({ length: 20 }, (_, i) => samples.slice(i * BLOCK, (i + 1) * BLOCK));
  if (process.env["UPDATE_FIXTURES"] && theirs !== undefined) {
    const results: string[] = [];
    for (const block of blocks) {
      const encodings = await Promise.all(block.map((text) => theirs.encode(text)));
      results.push(hash(encodings.map((encoding) => form(summaryOfReference(encoding)))));
    }
    writeFileSync(fixture, `${JSON.stringify({ texts: hash(samples), results }, null, 1)}\n`);
  }
  const expected = JSON.parse(readFileSync(fixture, "utf8")) as { texts: string; results: string[] };
  expect(hash(samples), "fast-check makes other texts than before: run with UPDATE_FIXTURES=1").toBe(expected.texts);
  blocks.forEach((block, i) => {
    const results = block.map((text) => form(summaryOf(tokenizer.encode(text, { offsets: "codepoint" }))));
    expect(hash(results), `texts ${i * BLOCK} to ${(i + 1) * BLOCK}`).toBe(expected.results[i]);
  });
});

describe.skipIf(theirs === undefined)(`against the reference${why}`, () => {
  test(`${RUNS} random texts of a fresh seed`, { timeout: 600_000 }, async () => {
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    console.log(
      `tokenizer: ${RUNS} random texts, seed ${seed} (again: SEED=${seed} npx vitest run packages/tokenizer)`,
    );
    await fc.assert(
      fc.asyncProperty(arbitrary, async (text) => {
        const different = await difference(tokenizer, theirs!, text);
        if (different !== undefined) throw new Error(different);
      }),
      { seed, numRuns: RUNS },
    );
  });

  test("every character, alone and between letters", { timeout: 120_000 }, async () => {
    const characters: number[] = [];
    // Nothing is assigned from U+40000 to U+DFFFF: some of those will do.
    for (let c = 0; c < 0x110000; c += c >= 0x40000 && c < 0xe0000 ? 257 : 1)
      if (c < 0xd800 || c > 0xdfff) characters.push(c);
    for (let at = 0; at < characters.length; at += 4096) {
      const chunk = characters.slice(at, at + 4096).map((c) => String.fromCodePoint(c));
      expect(
        await firstDifference(tokenizer, theirs!, `${chunk.join("\n")}\n${chunk.map((c) => `a${c}b `).join("")}`),
      ).toBeUndefined();
    }
  });

  for (const { name, documents, missing } of corpora) {
    test.skipIf(missing !== undefined)(
      `all of ${name}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
      { timeout: 600_000 },
      async () => {
        for (const text of documents()) expect(await firstDifference(tokenizer, theirs!, text)).toBeUndefined();
      },
    );
  }
});
