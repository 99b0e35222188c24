/** Pairs on BERT through a real worker: token types travel with the sequences. What `/info` says, and which models are refused. */
import { readFileSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer } from "../src/index.ts";
import type { RunningServer } from "../src/index.ts";
import { post } from "./stub-server.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Made by tooling/reference/bert_folders_fixture.py, with transformers' answers. */
const fixtures = fileURLToPath(new URL("../../../packages/pipelines/test/fixtures/bert/", import.meta.url));
const golden = JSON.parse(readFileSync(`${fixtures}golden.json`, "utf8")) as {
  readonly nli: { readonly pair: readonly { readonly label: string; readonly score: number }[] };
  readonly rerank: {
    readonly query: string;
    readonly texts: string[];
    readonly "ms-marco": { index: number; score: number }[];
  };
};
const [nli, reranker] = [`${fixtures}nli`, `${fixtures}ms-marco`];
const settings = { port: 0, threads: 1, logLevel: "silent" } as const;

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ ...settings, model: [nli, reranker] });
  await server.ready;
}, 30_000);
afterAll(() => server.close());

const ask = async (path: string, model: string, body: object): Promise<unknown> =>
  (await post(server.url + path, { model, ...body })).json();

const near = (score: number): number => expect.closeTo(score, 5) as number;

test("classes of a pair and of a text in one batch", async () => {
  const text = "the cat sat on the mat, a dog (red) ran 12x";
  const [pair, alone] = (await ask("/predict", nli, { inputs: [[text, "the dog ran"], [text]] })) as unknown[];
  const expected = golden.nli.pair.map(({ label, score }) => ({ label, score: near(score) }));
  expect(pair).toEqual(expected);
  expect(alone).not.toEqual(expected);
});

test("ranks of pairs", async () => {
  const { query, texts, "ms-marco": ranks } = golden.rerank;
  const answer = await ask("/rerank", reranker, { query, texts, raw_scores: true, truncate: true });
  expect(answer).toEqual(ranks.map(({ index, score }) => ({ index, score: near(score) })));
  expect(await ask("/rerank", reranker, { query, texts: ["the cat ".repeat(40)], truncate: false })).toMatchObject({
    error: expect.stringMatching(/must have less than 48 tokens/) as string,
  });
});

test("/info", async () => {
  const info = await fetch(`${server.url}/info?model=${encodeURIComponent(reranker)}`);
  expect(await info.json()).toMatchObject({
    max_input_length: 48,
    model_type: { reranker: { id2label: { 0: "LABEL_0" } } },
  });
});

test.each([
  ["BertForNextSentencePrediction", "next-sentence"],
  ["BertForPreTraining", "pretraining"],
])("a model of class %s is refused by its head", async (className, head) => {
  const folder = await temporaryFolder();
  await cp(`${fixtures}bert-base`, folder, { recursive: true });
  const path = join(folder, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...config, architectures: [className] }));
  await expect(startServer({ ...settings, model: folder })).rejects.toThrow(`got one for ${head}`);
});
