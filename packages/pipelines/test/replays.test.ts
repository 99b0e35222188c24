/** Small batches from recorded forward passes: single texts as they are, and padded where replays are cheap (the emulated CUDA device). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createBackend } from "@modernbert-ts/backends";
import { embed, fillMask, openPipeline } from "../src/index.ts";
import type { PipelineOptions } from "../src/index.ts";
import { saveTinyModel } from "./support/tiny-model.ts";

const folder = mkdtempSync(join(tmpdir(), "modernbert-replays-"));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

let missing = "";
beforeAll(async () => {
  vi.stubEnv("MODERNBERT_CUDA_EMULATE", "1");
  await saveTinyModel(folder);
  const backend = await createBackend("cuda").catch((error: unknown) => (error as Error).message);
  if (typeof backend === "string") missing = backend;
  else await backend.backend[Symbol.asyncDispose]();
});

const texts = ["the capital of [MASK]", "a [MASK]", "the capital of the capital [MASK] it"];

async function answers(
  options: PipelineOptions,
): Promise<{ vectors: Float32Array[][]; tokens: number[][]; captures: number }> {
  await using pipeline = await openPipeline(folder, options);
  const capture = vi.spyOn(pipeline.runtime, "capture");
  const vectors: Float32Array[][] = [];
  const tokens: number[][] = [];
  for (let run = 0; run < 3; run++) {
    for (const text of texts) vectors.push(await embed(pipeline, [text], { pooling: "mean" }));
    // At once: a replay of one must not change what another has yet to read.
    const filled = await Promise.all(texts.map((text) => fillMask(pipeline, [text])));
    tokens.push(filled.flatMap(([masks]) => masks![0]!.map(({ token }) => token)));
  }
  return { vectors, tokens, captures: capture.mock.calls.length };
}

test("replayed forward passes answer as those of another backend", { timeout: 300_000 }, async ({ skip }) => {
  if (missing) skip(missing);
  const want = await answers({ backend: "cpu", cpuEngine: "typescript" });
  const got = await answers({ backend: "cuda" });
  expect(Math.min(want.captures, got.captures)).toBeGreaterThan(0);
  const [first, last] = [want.vectors.slice(0, texts.length), want.vectors.slice(-texts.length)];
  expect(last, "replays of single texts give the bits of a pass by commands").toEqual(first);
  expect(got.tokens).toEqual(want.tokens);
  const error = Math.max(
    ...got.vectors.flatMap((each, at) =>
      each.flatMap((vector, n) => [...vector].map((value, i) => Math.abs(value - want.vectors[at]![n]![i]!))),
    ),
  );
  expect(error).toBeLessThan(1e-5);
});
