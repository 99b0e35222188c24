/** Token vectors, sparse and multi-vector models and late chunking over HTTP, against goldens of sentence-transformers and plain computations. */
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSafetensors } from "@modernbert-ts/safetensors/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer } from "../src/index.ts";
import type { RunningServer } from "../src/index.ts";
import { readModelFiles } from "../src/model/model-files.ts";
import { defaults } from "../src/options.ts";
import { post } from "./stub-server.ts";
import { temporaryFolder } from "./temporary-folder.ts";

type Matrix = readonly (readonly number[])[];
interface Case {
  readonly files: Readonly<Record<string, unknown>>;
  readonly weights?: Readonly<Record<string, Readonly<Record<string, Matrix>>>>;
}
interface Goldens {
  readonly texts: Readonly<Record<"queries" | "documents", readonly string[]>>;
  readonly sparse: readonly (Case & { documents: readonly { indices: number[]; values: number[] }[] })[];
  readonly multi: readonly (Case & Record<"queries" | "documents", readonly Matrix[]>)[];
}

/** Made by tooling/reference/vector_kinds_fixture.py. */
const fixture = fileURLToPath(new URL("../../../packages/pipelines/test/fixtures/vector_kinds", import.meta.url));
let goldens: Goldens;
let server: RunningServer;
let base: string;

async function folderOf({ files, weights = {} }: Case): Promise<string> {
  const folder = await temporaryFolder();
  await cp(join(fixture, "base"), folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), JSON.stringify(content));
  }
  for (const [path, tensors] of Object.entries(weights)) {
    const entries = Object.entries(tensors).map(([name, rows]) => {
      const shape = [rows.length, rows[0]!.length];
      return { name, dtype: "F32" as const, shape, data: Float32Array.from(rows.flat()) };
    });
    await writeSafetensors(join(folder, path, "model.safetensors"), entries);
  }
  return folder;
}

beforeAll(async () => {
  goldens = JSON.parse(await readFile(join(fixture, "goldens.json"), "utf8")) as Goldens;
  base = await folderOf({ files: {} });
  const model = [base, await folderOf(goldens.sparse[0]!), await folderOf(goldens.multi[0]!)];
  const servedModelName = ["dense", "splade", "colbert"];
  server = await startServer({ model, servedModelName, port: 0, threads: 1, logLevel: "silent" });
  await server.ready;
}, 60_000);
afterAll(() => server.close());

type Kind = "dense" | "splade" | "colbert";
const ask = async (kind: Kind, path: string, body: object): Promise<Response> =>
  post(server.url + path, { model: kind, ...body });
async function get<T>(kind: Kind, path: string, body: object): Promise<T> {
  const response = await ask(kind, path, body);
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as T;
}

function expectClose(found: readonly number[], golden: readonly number[], tolerance = 2e-5): void {
  expect(found.length).toBe(golden.length);
  expect(Math.max(0, ...golden.map((value, at) => Math.abs(value - found[at]!)))).toBeLessThan(tolerance);
}

interface Weight {
  readonly index: number;
  readonly value: number;
}

describe("/embed_sparse", () => {
  test("is what sentence-transformers computes, also at the bare address; /embed spreads it", async () => {
    const inputs = goldens.texts.documents;
    const sparse = await get<Weight[][]>("splade", "/embed_sparse", { inputs });
    for (const [at, weights] of sparse.entries()) {
      const golden = goldens.sparse[0]!.documents[at]!;
      expect(weights.map(({ index }) => index)).toEqual(golden.indices);
      expectClose(
        weights.map(({ value }) => value),
        golden.values,
      );
    }
    expect(await get("splade", "/", { inputs })).toEqual(sparse);
    const [spread] = await get<number[][]>("splade", "/embed", { inputs, normalize: false });
    expect(spread!.length).toBe(280);
    expect(spread!.flatMap((value, index) => (value === 0 ? [] : { index, value }))).toEqual(sparse[0]);
  });

  test("--pooling splade makes one of a plain masked language model, and of nothing else", async () => {
    const files = await readModelFiles({ ...defaults, model: base, pooling: "splade" }, () => {});
    expect(files.vectors).toEqual({ name: "sparse" });
    const multi = await folderOf(goldens.multi[0]!);
    await expect(readModelFiles({ ...defaults, model: multi, pooling: "splade" }, () => {})).rejects.toThrow(/SPLADE/);
  });
});

test("/embed_all: the mean over tokens is what /embed answers", async () => {
  const inputs = ["a mat", [1, 5, 2]];
  const all = await get<number[][][]>("dense", "/embed_all", { inputs });
  const pooled = await get<number[][]>("dense", "/embed", { inputs, normalize: false });
  expect(all[1]!.length).toBe(3);
  for (const [at, rows] of all.entries()) {
    const mean = rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length);
    expectClose(mean, pooled[at]!);
  }
});

test("/embed_multi is what PyLate computes, by role, also at the bare address", async () => {
  for (const role of ["query", "document"] as const) {
    const [inputs, golden] =
      role === "query"
        ? [goldens.texts.queries, goldens.multi[0]!.queries]
        : [goldens.texts.documents, goldens.multi[0]!.documents];
    const found = await get<number[][][]>("colbert", "/embed_multi", { inputs, role });
    for (const [at, rows] of found.entries()) expectClose(rows.flat(), golden[at]!.flat());
    expect(await get("colbert", "/", { inputs, role })).toEqual(found);
  }
});

describe("/embed_chunks", () => {
  const inputs = "the cat sat. On the mat, a dog.";
  interface Part {
    readonly start: number;
    readonly end: number;
    readonly embedding: number[];
  }

  test("a part is the mean of its own tokens among those of the whole text", async () => {
    const [parts] = await get<Part[][]>("dense", "/embed_chunks", { inputs, normalize: false });
    expect(parts!.map(({ start, end }) => inputs.slice(start, end))).toEqual(["the cat sat. ", "On the mat, a dog."]);
    const [rows] = await get<number[][][]>("dense", "/embed_all", { inputs });
    const [one] = await get<Part[][]>("dense", "/embed_chunks", { inputs, normalize: false, chunks: { tokens: 1 } });
    expect(one!.length).toBe(rows!.length - 2);
    for (const [at, { embedding }] of one!.entries()) expectClose(embedding, rows![at + 1]!);
    const [whole] = await get<Part[][]>("dense", "/embed_chunks", { inputs, chunks: [[0, inputs.length]] });
    expect(Math.hypot(...whole![0]!.embedding)).toBeCloseTo(1, 5);
    const { headers } = await ask("dense", "/embed_chunks", { inputs });
    expect(headers.get("x-compute-tokens")).toBe(String(rows!.length));
  });
});

test.each<[Kind, string, object, number, string]>([
  ["dense", "/embed_sparse", { inputs: "a" }, 424, "Model is not an embedding model with SPLADE pooling"],
  ["splade", "/embed_all", { inputs: "a" }, 424, "`embed_all` is not available for SPLADE models"],
  ["splade", "/embed", { inputs: "a" }, 424, "`normalize` is not available for SPLADE models"],
  ["splade", "/embed", { inputs: "a", normalize: false, dimensions: 281 }, 422, "`dimensions` should be smaller"],
  ["splade", "/embed_chunks", { inputs: "a" }, 424, "Model is not an embedding model"],
  ["colbert", "/embed", { inputs: "a" }, 424, "Model is not an embedding model: /embed_multi answers"],
  ["colbert", "/embed_all", { inputs: "a" }, 424, "Model is not an embedding model: /embed_multi answers"],
  ["dense", "/embed_multi", { inputs: "a" }, 424, "Model is not a multi-vector model"],
  ["dense", "/embed_chunks", { inputs: "a cat. ".repeat(60) }, 422, "must have less than 96 tokens"],
  ["dense", "/embed_chunks", { inputs: "a", chunks: [[0, 9]] }, 422, "expected parts within 0 to 1"],
  ["dense", "/embed_all", { inputs: [] }, 400, "`inputs` cannot be empty"],
  ["splade", "/embed_sparse", { inputs: Array(33).fill("a") }, 422, "batch size 33 > maximum allowed batch size 32"],
  ["dense", "/embed_all", { inputs: "a cat. ".repeat(60), truncate: false }, 422, "must have less than 96 tokens"],
])("%s %s %j: %i", async (kind, path, body, status, message) => {
  const response = await ask(kind, path, body);
  const type = status === 424 ? "Backend" : status === 400 ? "Empty" : "Validation";
  expect([response.status, await response.json()]).toEqual([
    status,
    { error: expect.stringContaining(message) as string, error_type: type },
  ]);
});

async function typeOf(kind: Kind): Promise<unknown> {
  const info = (await (await fetch(`${server.url}/info?model=${kind}`)).json()) as { model_type: unknown };
  return info.model_type;
}

test("/info names TEI's pooling", async () => {
  expect(await typeOf("splade")).toEqual({ embedding: { pooling: "splade" } });
  expect(await typeOf("colbert")).toEqual({ embedding: { pooling: "multi-vector" } });
});

test("a cross-encoder's folder of sentence-transformers 6 is served", async () => {
  const config = JSON.parse(await readFile(join(fixture, "base/config.json"), "utf8")) as object;
  const folder = await folderOf({
    files: {
      "config.json": { ...config, architectures: ["ModernBertForSequenceClassification"], num_labels: 1 },
      "config_sentence_transformers.json": { model_type: "CrossEncoder" },
    },
  });
  expect((await readModelFiles({ ...defaults, model: folder }, () => {})).vectors).toEqual({ name: "none" });
});
