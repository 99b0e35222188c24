/** What the files beside a model change, on a stub that tells which token ids arrive. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { StartError, startServer } from "../src/index.ts";
import { readModelFiles } from "../src/model/model-files.ts";
import { defaults } from "../src/options.ts";
import { readyStub, startStub, stubFolder } from "./stub-server.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const prompts = { prompts: { query: "search: ", document: "passage: " }, default_prompt_name: null };

test("prompts: by name, by default, never before token ids", async () => {
  await using server = await readyStub({
    files: { "config_sentence_transformers.json": prompts },
    defaultPromptName: "document",
  });
  await server.post("/embed", { inputs: "hi", prompt_name: "query" });
  await server.post("/embed", { inputs: "search: hi" });
  await server.post("/v1/embeddings", { input: "hi" });
  await server.post("/embed", { inputs: [[50281, 5801, 50282]] });
  await server.post("/v1/embeddings", { input: "hi", prompt_name: "query" });
  const [byName, , byDefault, ids, inOpenAi] = server.batches.map(([sequence]) => sequence);
  const tokenise = await import("@modernbert-ts/tokenizer").then(({ loadModernBertTokenizer }) =>
    loadModernBertTokenizer(),
  );
  expect(byName).toEqual([...tokenise.encode("search: hi").ids]);
  expect(byDefault).toEqual([...tokenise.encode("passage: hi").ids]);
  expect(ids).toEqual([50281, 5801, 50282]);
  expect(inOpenAi).toEqual(byName);
  const unknown = await server.post("/embed", { inputs: "hi", prompt_name: "other" });
  expect([unknown.status, await unknown.json()]).toEqual([
    422,
    {
      error: '`prompt_name`: [prompt] expected a prompt that the model has (query, document), got "other"',
      error_type: "Validation",
    },
  ]);
  expect((await server.post("/embed", { inputs: [[1]], prompt_name: "query" })).status).toBe(422);
});

test("a model that leaves prompts out of pooling takes none by name", async () => {
  const files = {
    "config_sentence_transformers.json": { prompts: { query: "search: ", none: "" } },
    "modules.json": [
      { idx: 0, path: "", type: "sentence_transformers.models.Transformer" },
      { idx: 1, path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
    ],
    "1_Pooling/config.json": { pooling_mode: "mean", include_prompt: false },
  };
  await using server = await readyStub({ files });
  const named = await server.post("/embed", { inputs: "hi", prompt_name: "query" });
  expect([named.status, await named.json()]).toEqual([
    422,
    { error: expect.stringMatching(/^`prompt_name`: .*expected no prompt.*include_prompt/), error_type: "Validation" },
  ]);
  expect((await server.post("/embed", { inputs: "hi", prompt_name: "none" })).status).toBe(200);
  await expect(startStub({ files, defaultPromptName: "query" })).rejects.toThrow(/expected no prompt/);
});

test("pooling and length come from the sentence-transformers files", async () => {
  const files = {
    "modules.json": [
      { idx: 0, path: "", type: "sentence_transformers.models.Transformer" },
      { idx: 1, path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
      { idx: 2, path: "2_Normalize", type: "sentence_transformers.models.Normalize" },
    ],
    "1_Pooling/config.json": { pooling_mode_cls_token: false, pooling_mode_mean_tokens: true },
    "sentence_bert_config.json": { max_seq_length: 16, do_lower_case: false },
  };
  await using server = await readyStub({ files });
  expect(await (await fetch(`${server.url}/info`)).json()).toMatchObject({
    max_input_length: 16,
    model_type: { embedding: { pooling: "mean" } },
  });
});

test("a snapshot of the cache that may lack files is told at the start", async () => {
  const commit = "0".repeat(40);
  const cache = await temporaryFolder();
  const model = await stubFolder({}, {}, join(cache, "snapshots", commit));
  const notices: string[] = [];
  const read = (): Promise<unknown> => readModelFiles({ ...defaults, model }, (notice) => void notices.push(notice));
  expect(await read()).toMatchObject({ sha: commit, vectors: { name: "pooled", pooling: "mean" } });
  expect(notices).toContainEqual(expect.stringMatching(/^the copy .* lacks .* modules\.json \(.*1_Pooling/));
  await mkdir(join(cache, ".no_exist", commit), { recursive: true });
  await writeFile(join(cache, ".no_exist", commit, "modules.json"), "");
  notices.length = 0;
  await read();
  expect(notices.filter((notice) => notice.includes("modules.json"))).toEqual([]);
});

test.each([
  [
    { "modules.json": [{ type: "sentence_transformers.models.Dense", path: "2_Dense" }] },
    /expected modules that are computed .*modules\.json, got Dense \(2_Dense\)/,
  ],
  [{ "1_Pooling/config.json": { pooling_mode: "median" } }, /expected pooling cls, .* in .*, got median/],
  [
    { "sentence_bert_config.json": { max_seq_length: "long" } },
    /expected max_seq_length in .*sentence_bert_config\.json to be a positive whole number/,
  ],
  [{ "tokenizer.json": "not a tokenizer" }, /tokenizer\.json/],
])("what would change the vectors and is not supported stops the start: %j", async (files, message) => {
  await expect(startStub({ files })).rejects.toThrow(message);
});

test("the batch's budget limits the inputs, when they may be cut", async () => {
  await using server = await readyStub({ maxBatchTokens: 32 });
  expect(await (await fetch(`${server.url}/info`)).json()).toMatchObject({ max_input_length: 32 });
  await expect(startStub({ maxBatchTokens: 32, autoTruncate: false })).rejects.toThrow("raise --max-batch-tokens");
});

test("a model that no route serves stops the start", async () => {
  const started = startStub({ config: { architectures: ["ModernBertForMultipleChoice"] } });
  await expect(started).rejects.toThrow(/expected a model that a route serves, got one for multiple-choice/);
  await expect(started).rejects.toBeInstanceOf(StartError);
});

test("routes that the model has no head for answer 424", async () => {
  await using bare = await readyStub({ config: { architectures: ["ModernBertModel"] } });
  expect((await bare.post("/embed", { inputs: "hi" })).status).toBe(200);
  expect((await bare.post("/fill-mask", { inputs: "[MASK]" })).status).toBe(424);
});

test.each([
  [{ maxBatchTokens: -5 }, "expected maxBatchTokens to be a whole number from 1 to 2147483647, got -5"],
  [{ requestTimeout: 0.5 }, "expected requestTimeout"],
  [{ port: 70_000 }, "expected port"],
  [{ model: "/nope" }, "[model] there is no folder /nope"],
])("what cannot be is a StartError: %j", async (options, message) => {
  const started = startServer({ model: await stubFolder(), port: 0, logLevel: "silent", ...options });
  await expect(started).rejects.toThrow(message);
  await expect(started).rejects.toBeInstanceOf(StartError);
});
