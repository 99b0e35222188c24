/** Sparse and multi-vector models, quantized vectors and similarity against sentence-transformers; search and late chunking against plain computations. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import { afterAll, expect, test } from "vitest";
import { embed, embedChunks, embedMulti, embedSparse, embedTokens, maxSim, openPipeline } from "../src/index.ts";
import { quantizeVectors, semanticSearch, similarity, similarityOf } from "../src/index.ts";
import type { TokenVectors } from "../src/index.ts";

type Matrix = readonly (readonly number[])[];

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, unknown>>;
}

/** Made by tooling/reference/vector_kinds_fixture.py. */
interface Goldens {
  readonly texts: Readonly<Record<"queries" | "documents", readonly string[]>>;
  readonly sparse: readonly (Case & { topK?: number } & Record<"queries" | "documents", readonly Sparse[]>)[];
  readonly multi: readonly (Case & { weights: Record<string, Record<string, Matrix>>; scores: Matrix } & Record<
      "queries" | "documents",
      readonly Matrix[]
    >)[];
  readonly quantized: Record<"vectors" | "calibration", Matrix> & Record<"own" | "calibrated", Record<Code, Matrix>>;
  readonly similarity: { a: Matrix; b: Matrix; scores: Record<"cosine" | "dot" | "euclidean" | "manhattan", Matrix> };
}
type Code = "int8" | "uint8" | "binary" | "ubinary";
interface Sparse {
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

const fixture = fileURLToPath(new URL("fixtures/vector_kinds", import.meta.url));
const goldens = JSON.parse(readFileSync(join(fixture, "goldens.json"), "utf8")) as Goldens;
const { queries, documents } = goldens.texts;
const root = mkdtempSync(join(tmpdir(), "modernbert-kinds-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function folderOf(name: string, files: Case["files"], weights: Record<string, Record<string, Matrix>> = {}) {
  const folder = join(root, name);
  cpSync(join(fixture, "base"), folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), JSON.stringify(content));
  }
  for (const [path, tensors] of Object.entries(weights)) {
    const entries = Object.entries(tensors).map(([tensor, rows]) => {
      const shape = [rows.length, rows[0]!.length];
      return { name: tensor, dtype: "F32" as const, shape, data: Float32Array.from(rows.flat()) };
    });
    await writeSafetensors(join(folder, path, "model.safetensors"), entries);
  }
  return folder;
}

const vectorsOf = (matrix: Matrix): Float32Array[] => matrix.map((row) => Float32Array.from(row));

function expectClose(found: ArrayLike<number>, golden: readonly number[], tolerance = 2e-5): void {
  expect(found.length).toBe(golden.length);
  const errors = golden.map((value, at) => Math.abs(value - found[at]!));
  expect(Math.max(0, ...errors)).toBeLessThan(tolerance);
}

test.each(goldens.sparse)("$name", async ({ name, files, topK, ...golden }) => {
  await using pipeline = await openPipeline(await folderOf(name, files), { backend: "cpu" });
  for (const role of ["query", "document"] as const) {
    const [texts, expected] = role === "query" ? [queries, golden.queries] : [documents, golden.documents];
    const found = await embedSparse(pipeline, texts, { role, ...(topK && { topK }) });
    for (const [index, { indices, values, tokens }] of found.entries()) {
      expect([...indices]).toEqual(expected[index]!.indices);
      expectClose(values, expected[index]!.values);
      expect(tokens[0]).toBe(pipeline.tokenizer.idToToken(indices[0]!) ?? "");
    }
  }
  await expect(embed(pipeline, ["a"])).rejects.toThrow(/SpladePooling.*embedSparse makes its vectors/);
});

test.each(goldens.multi)("$name", async ({ name, files, weights, scores, ...golden }) => {
  await using pipeline = await openPipeline(await folderOf(name, files, weights), { backend: "cpu" });
  const made: Record<string, TokenVectors[]> = {};
  for (const role of ["query", "document"] as const) {
    const [texts, expected] = role === "query" ? [queries, golden.queries] : [documents, golden.documents];
    const found = await embedMulti(pipeline, texts, { role, truncate: true });
    for (const [index, { values }] of found.entries()) expectClose(values, expected[index]!.flat());
    made[role] = found;
  }
  for (const [row, query] of made["query"]!.entries()) {
    expectClose(
      made["document"]!.map((document) => maxSim(query, document)),
      scores[row]!,
      1e-4,
    );
  }
  await expect(embed(pipeline, ["a"])).rejects.toThrow(/embedMulti makes its vectors/);
});

test("SPLADE of a masked language model whose folder says nothing, where it is asked for", async () => {
  await using pipeline = await openPipeline(await folderOf("plain", {}), { backend: "cpu" });
  await expect(embedSparse(pipeline, ["a"])).rejects.toThrow(/got no SpladePooling/);
  const found = await embedSparse(pipeline, documents, { pooling: "splade" });
  for (const [index, { indices, values }] of found.entries()) {
    const golden = goldens.sparse[0]!.documents[index]!;
    expect([...indices]).toEqual(golden.indices);
    expectClose(values, golden.values);
  }
});

test("logits of a long text are never all there at once", async () => {
  const { files } = goldens.sparse[0]!;
  const most = { max_position_embeddings: 4096 };
  const config = JSON.parse(readFileSync(join(fixture, "base/config.json"), "utf8")) as object;
  const folder = await folderOf("long", { ...files, "config.json": { ...config, ...most } });
  await using pipeline = await openPipeline(folder, { backend: "cpu" });
  const text = "a cat ".repeat(400);
  const [states] = await embedTokens(pipeline, [text]);
  const { backend } = pipeline.runtime;
  const before = backend.memory();
  await embedSparse(pipeline, [text]);
  const after = backend.memory();
  expect(after.activeBytes).toBe(before.activeBytes);
  const tokens = states!.ids.length;
  expect(tokens).toBeGreaterThan(800);
  expect(after.peakBytes - before.peakBytes).toBeLessThan((tokens * 280 * 4) / 4);
});

test("quantized vectors", () => {
  const { vectors, calibration, own, calibrated } = goldens.quantized;
  for (const code of ["int8", "uint8", "binary", "ubinary"] as const) {
    const given = vectorsOf(vectors);
    expect(quantizeVectors(given, code).vectors.map((vector) => [...vector])).toEqual(own[code]);
    const other = quantizeVectors(given, code, { calibration: vectorsOf(calibration) });
    expect(other.vectors.map((vector) => [...vector])).toEqual(calibrated[code]);
    if (!other.ranges) continue;
    expect(other.ranges.from).toBe("calibration");
    expect(quantizeVectors(given, code, { ranges: other.ranges }).vectors).toEqual(other.vectors);
  }
});

test("similarity", () => {
  const { a, b, scores } = goldens.similarity;
  for (const name of ["cosine", "dot", "euclidean", "manhattan"] as const) {
    const found = similarity(name, vectorsOf(a), vectorsOf(b));
    for (const [row, values] of found.entries()) expectClose(values, scores[name][row]!);
  }
});

test("search by blocks finds what all comparisons find; late chunks are means of their own tokens", async () => {
  const settings = {
    prompts: { query: "the ", document: "a " },
    default_prompt_name: null,
    similarity_fn_name: "euclidean",
  };
  const folder = await folderOf("dense", { "config_sentence_transformers.json": settings });
  await using pipeline = await openPipeline(folder, { backend: "cpu" });
  const corpus = Array.from({ length: 23 }, (_, at) => `cat ${at % 7} on mat ${at % 5}`);
  const found = await semanticSearch(pipeline, queries, corpus, { topK: 4, blockSize: 5 });
  const vectors = await embed(
    pipeline,
    corpus.map((text) => `a ${text}`),
    { prompt: "" },
  );
  const asked = await embed(pipeline, queries, { role: "query" });
  for (const [row, scores] of similarity(similarityOf(pipeline), asked, vectors).entries()) {
    const best = [...scores.keys()].toSorted((a, b) => scores[b]! - scores[a]!).slice(0, 4);
    expect(found[row]!.map(({ index }) => index)).toEqual(best);
    expectClose(
      found[row]!.map(({ score }) => score),
      best.map((index) => scores[index]!),
    );
  }

  const text = "The cat sat. A dog ran!";
  const [states] = await embedTokens(pipeline, [text]);
  const encoding = pipeline.tokenizer.encode(text, { offsets: "utf16" });
  const [sentences] = await embedChunks(pipeline, [text]);
  const [given] = await embedChunks(pipeline, [text], { chunks: [[0, 13]] });
  const [few] = await embedChunks(pipeline, [text], { chunks: { tokens: 4 } });
  expect(sentences!.map(({ start, end }) => [start, end])).toEqual([
    [0, 13],
    [13, 23],
  ]);
  const own = [...encoding.ids.keys()].filter(
    (at) => encoding.offsets![2 * at + 1]! > 0 && encoding.offsets![2 * at + 1]! <= 13,
  );
  const mean = Array.from({ length: 16 }, (_, column) =>
    own.reduce((sum, token) => sum + states!.values[token * 16 + column]! / own.length, 0),
  );
  expectClose(given![0]!.vector, mean);
  expectClose(sentences![0]!.vector, mean);
  expect(few).toHaveLength(Math.ceil((encoding.ids.length - 2) / 4));
  await expect(embedChunks(pipeline, ["cat ".repeat(200)])).rejects.toThrow(/at most 96 tokens.*text 0/);
  await expect(embedChunks(pipeline, [text], { pooling: "cls" })).rejects.toThrow(/choose mean/);
  await expect(embedSparse(pipeline, [text])).rejects.toThrow(/got no SpladePooling/);
  await expect(embedMulti(pipeline, [text])).rejects.toThrow(/got one of another kind/);
});

test("keys that are not known are refused by name where vectors are asked for", async () => {
  const files = {
    "config_sentence_transformers.json": { truncat_dim: 4 },
    "sentence_bert_config.json": { modality_config: {} },
  };
  await using pipeline = await openPipeline(await folderOf("keys", files), { backend: "cpu" });
  await expect(embed(pipeline, ["a"])).rejects.toThrow(
    /truncat_dim of config_sentence_transformers\.json, modality_config \{\} of sentence_bert_config\.json/,
  );
});
