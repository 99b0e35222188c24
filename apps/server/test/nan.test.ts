/** A model whose weights overflow, of each kind: no route answers NaN, which JSON has not, nor null in its place. */
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { routes } from "../src/http/routes.ts";
import { startServer } from "../src/index.ts";
import type { RunningServer } from "../src/index.ts";
import { kinds } from "./model-kinds.ts";
import { post } from "./stub-server.ts";

type Kind = keyof typeof kinds;

/** The last norm's first weight becomes NaN. */
async function poisoned(folder: string): Promise<string> {
  const path = join(folder, "model.safetensors");
  const bytes = await readFile(path);
  const header = Number(bytes.readBigUInt64LE());
  const tensors = JSON.parse(bytes.toString("utf8", 8, 8 + header)) as Record<string, { data_offsets: [number] }>;
  const [, { data_offsets }] = Object.entries(tensors).find(([name]) => name.endsWith("final_norm.weight"))!;
  await using file = await open(path, "r+");
  await file.write(Float32Array.of(Number.NaN), 0, 4, 8 + header + data_offsets[0]);
  return folder;
}

let server: RunningServer;

beforeAll(async () => {
  const model = await Promise.all(Object.values(kinds).map(async (make) => poisoned(await make())));
  const options = { servedModelName: Object.keys(kinds), port: 0, threads: 1 } as const;
  server = await startServer({ model, ...options, cpuEngine: "typescript", logLevel: "silent" });
  await server.ready;
}, 120_000);
afterAll(() => server.close());

const asked: readonly (readonly [Kind, string])[] = [
  ["embedder", "/embed"],
  ["embedder", "/embed_all"],
  ["embedder", "/embed_chunks"],
  ["embedder", "/similarity"],
  ["embedder", "/v1/embeddings"],
  ["embedder", "/fill-mask"],
  ["embedder", "/pseudo-log-likelihood"],
  ["splade", "/embed_sparse"],
  ["colbert", "/embed_multi"],
  ["judge", "/predict"],
  ["judge", "/zero-shot-classification"],
  ["ranker", "/rerank"],
  ["modular", "/v2/rerank"],
  ["tagger", "/token-classification"],
  ["answerer", "/question-answering"],
  ["decider", "/v1/systemone"],
];

test.each(asked)("%s %s: 424", async (model, path) => {
  const { example } = routes.find(({ paths }) => paths.includes(path))!;
  const response = await post(server.url + path, { model, ...example });
  const { error, message = error } = (await response.json()) as { error: string; message?: string };
  expect([response.status, message]).toEqual([424, expect.stringMatching(/finite|NaN/)]);
});
