/**
 * The contract of text-embeddings-inference, OpenAI, Cohere and Jina, and the document, over HTTP: one server with a small model of each
 * kind.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi } from "../src/http/docs/openapi.ts";
import { routes } from "../src/http/routes.ts";
import { startServer } from "../src/index.ts";
import type { RunningServer } from "../src/index.ts";
import { post } from "./stub-server.ts";
import { colbertFiles, hiddenSize, makeTinyModel, spladeModules, withFiles } from "./tiny-model.ts";

let server: RunningServer;

/** By the names that requests call them. */
const kinds = {
  embedder: () => makeTinyModel(),
  ranker: () => makeTinyModel("sequence-classification", ["score"]),
  judge: () => makeTinyModel("sequence-classification", ["entailment", "neutral", "contradiction"]),
  tagger: () => makeTinyModel("token-classification", ["O", "B-PER", "I-PER"]),
  answerer: () => makeTinyModel("question-answering"),
  splade: () => withFiles(makeTinyModel(), { "modules.json": spladeModules }),
  colbert: () => withFiles(makeTinyModel(), colbertFiles),
};
type Kind = keyof typeof kinds;

beforeAll(async () => {
  const model = await Promise.all(Object.values(kinds).map((make) => make()));
  const servedModelName = Object.keys(kinds);
  server = await startServer({
    model,
    servedModelName,
    port: 0,
    threads: 1,
    cpuEngine: "typescript",
    logLevel: "silent",
  });
  await server.ready;
}, 120_000);
afterAll(() => server.close());

interface Reply {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  readonly body: unknown;
}

async function ask(kind: Kind, path: string, body: object): Promise<Reply> {
  const response = await post(server.url + path, { model: kind, ...body });
  const text = await response.text();
  const { status, headers } = response;
  const type = headers.get("content-type");
  return { status, type, headers, body: type === "application/json" ? (JSON.parse(text) as unknown) : text };
}

/** The answer of a request that is to succeed. */
async function get<T>(kind: Kind, path: string, body: object): Promise<T> {
  const reply = await ask(kind, path, body);
  expect([reply.status, reply.type, reply.body]).toEqual([200, "application/json", reply.body]);
  return reply.body as T;
}

async function typeOf(kind: Kind): Promise<unknown> {
  const info = (await (await fetch(`${server.url}/info?model=${kind}`)).json()) as { model_type: unknown };
  return info.model_type;
}

interface Score {
  readonly score: number;
  readonly label: string;
}

describe("text-embeddings-inference", () => {
  test("/embed is 2-D, and says what it cost", async () => {
    const { body, headers, type } = await ask("embedder", "/embed", { inputs: "hi" });
    expect(body).toEqual([expect.any(Array)]);
    expect((body as number[][])[0]!.length).toBe(hiddenSize);
    expect(type).toBe("application/json");
    expect(headers.get("x-compute-tokens")).toBe("3");
    expect(headers.get("x-compute-characters")).toBe("2");
  });

  test("/predict: two strings are a pair, one in a list is a single, batches are nested", async () => {
    const single = await get<Score[]>("judge", "/predict", { inputs: "a cat" });
    expect(single.map(({ label }) => label).toSorted()).toEqual(["contradiction", "entailment", "neutral"]);
    expect(single.map(({ score }) => score)).toEqual(single.map(({ score }) => score).toSorted((a, b) => b - a));
    expect(single.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
    expect(await get("judge", "/predict", { inputs: ["a cat"] })).toEqual(single);
    const pair = await get<Score[]>("judge", "/predict", { inputs: ["a cat", "an animal"] });
    expect(pair[0]!.score).not.toBeCloseTo(single[0]!.score, 6);
    const batch = await get<Score[][]>("judge", "/predict", { inputs: [["a cat"], ["a cat", "an animal"]] });
    expect(batch.map((each) => each.map(({ label }) => label))).toEqual(
      [single, pair].map((each) => each.map(({ label }) => label)),
    );
    for (const inputs of [["a", "b", "c"], [["a", "b", "c"]], [["a"], "b"], [[]], []]) {
      const refused = await ask("judge", "/predict", { inputs });
      expect([refused.status, refused.type]).toEqual([422, "text/plain; charset=utf-8"]);
    }
  });

  test("/predict and /rerank: a sigmoid for one class, logits when they are asked for", async () => {
    const inputs = ["a query", "a text"];
    const [raw] = await get<Score[]>("ranker", "/predict", { inputs, raw_scores: true });
    const [score] = await get<Score[]>("ranker", "/predict", { inputs });
    expect(score!.score).toBeCloseTo(1 / (1 + Math.exp(-raw!.score)), 6);
    const [ranked] = await get<Score[]>("ranker", "/rerank", { query: "a query", texts: ["a text"] });
    expect(ranked!.score).toBeCloseTo(score!.score, 6);
  });

  test("/rerank: best first, with texts when they are asked for", async () => {
    const texts = ["one", "two words", "three words here", "and four of them"];
    const ranks = await get<{ index: number; score: number }[]>("ranker", "/rerank", { query: "q", texts });
    expect(ranks.map(({ score }) => score)).toEqual(ranks.map(({ score }) => score).toSorted((a, b) => b - a));
    expect(ranks.map((rank) => Object.keys(rank))).toEqual(texts.map(() => ["index", "score"]));
    const withTexts = await get<object[]>("ranker", "/rerank", { query: "q", texts, return_text: true });
    expect(withTexts).toEqual(ranks.map(({ index, score }) => ({ index, text: texts[index], score })));
  });

  test("/similarity is the cosine of what /embed gives", async () => {
    const sentences = ["a dog", "tea"];
    const cosines = await get<number[]>("embedder", "/similarity", { inputs: { source_sentence: "a cat", sentences } });
    const [source, ...others] = await get<number[][]>("embedder", "/embed", { inputs: ["a cat", ...sentences] });
    for (const [index, other] of others.entries()) {
      expect(cosines[index]).toBeCloseTo(
        other.reduce((sum, value, at) => sum + value * source![at]!, 0),
        5,
      );
    }
  });

  test("/tokenize counts bytes, and gives special tokens no place; /decode is its inverse", async () => {
    const [tokens] = await get<{ id: number; text: string; special: boolean; start: number; stop: number }[][]>(
      "embedder",
      "/tokenize",
      { inputs: "naïve tea" },
    );
    expect(tokens![0]).toEqual({ id: 50281, text: "[CLS]", special: true, start: null, stop: null });
    expect(tokens!.at(-2)).toMatchObject({ text: " tea", special: false, start: 6, stop: 10 });
    const ids = tokens!.map(({ id }) => id);
    expect(await get("embedder", "/decode", { ids })).toEqual(["naïve tea"]);
    expect(await get("embedder", "/decode", { ids: [ids], skip_special_tokens: false })).toEqual([
      "[CLS]naïve tea[SEP]",
    ]);
    const bare = await get<object[][]>("embedder", "/tokenize", { inputs: "naïve tea", add_special_tokens: false });
    expect(bare[0]).toEqual(tokens!.slice(1, -1));
  });

  test("/ and /invocations answer by model and body, /vertex many of these", async () => {
    const rank = { query: "q", texts: ["a", "b"] };
    const ranked = await get("ranker", "/rerank", rank);
    expect(await get("ranker", "/", rank)).toEqual(ranked);
    expect(await get("judge", "/invocations", { inputs: "a cat" })).toEqual(
      await get("judge", "/predict", { inputs: "a cat" }),
    );
    expect(await get("tagger", "/", { inputs: "a cat" })).toEqual(
      await get("tagger", "/token-classification", { inputs: "a cat" }),
    );
    const predictions = await get("ranker", "/vertex", { instances: [rank, { inputs: "a" }] });
    expect(predictions).toEqual({ predictions: [ranked, await get("ranker", "/predict", { inputs: "a" })] });
  });

  const long = "word ".repeat(300);
  test.each<[Kind, string, object, number, string]>([
    ["ranker", "/embed", { inputs: "a" }, 424, "Model is not an embedding model"],
    ["judge", "/rerank", { query: "q", texts: ["a"] }, 424, "model is not a re-ranker model"],
    ["embedder", "/predict", { inputs: "a" }, 424, "model is not a classifier model"],
    ["ranker", "/rerank", { query: "q", texts: [] }, 400, "`texts` cannot be empty"],
    [
      "ranker",
      "/rerank",
      { query: "q", texts: Array(33).fill("a") },
      422,
      "batch size 33 > maximum allowed batch size 32",
    ],
    ["judge", "/predict", { inputs: "" }, 400, "`inputs` cannot be empty"],
    ["judge", "/predict", { inputs: long, truncate: false }, 422, "`inputs` must have less than 128 tokens. Given: "],
    ["embedder", "/embed", { inputs: long, truncate: false }, 422, "`inputs` must have less than 128 tokens. Given: "],
    [
      "embedder",
      "/similarity",
      { inputs: { source_sentence: "a", sentences: [] } },
      400,
      "`inputs.sentences` cannot be empty",
    ],
    ["embedder", "/tokenize", { inputs: [] }, 400, "`inputs` cannot be empty"],
    ["embedder", "/decode", { ids: [[]] }, 400, "`ids` cannot be empty"],
    ["embedder", "/embed", { inputs: "a", prompt_name: "none" }, 422, "`prompt_name`"],
  ])("%s %s %j: %i", async (kind, path, body, status, message) => {
    const reply = await ask(kind, path, body);
    const type = status === 424 ? "Backend" : status === 400 ? "Empty" : "Validation";
    expect([reply.status, reply.type, reply.body]).toEqual([
      status,
      "application/json",
      { error: expect.stringContaining(message) as string, error_type: type },
    ]);
  });

  test("/info tells the kind of the model", async () => {
    expect(await typeOf("embedder")).toEqual({ embedding: { pooling: "mean" } });
    expect(await typeOf("ranker")).toEqual({ reranker: { id2label: { 0: "score" }, label2id: { score: 0 } } });
    expect(await typeOf("judge")).toMatchObject({ classifier: { label2id: { contradiction: 2 } } });
  });
});

describe("Cohere and Jina", () => {
  const documents = ["one", { text: "two words", source: "b" }, "three words here"];

  test("documents are texts or objects, and come back when they are asked for", async () => {
    const texts = ["one", "two words", "three words here"];
    const ranks = await get<{ index: number; score: number }[]>("ranker", "/rerank", { query: "q", texts });
    const results = ranks.map(({ index, score }) => ({ index, relevance_score: score }));
    const cohere = await get<object>("ranker", "/v2/rerank", { query: "q", documents });
    expect(cohere).toMatchObject({ results, meta: { api_version: { version: "2" } } });
    const jina = await get<object>("ranker", "/v1/rerank", { query: "q", documents, top_n: 2, return_documents: true });
    const returned = [{ text: "one" }, documents[1], { text: "three words here" }];
    expect(jina).toMatchObject({
      model: "ranker",
      usage: { total_tokens: expect.any(Number) as number },
      results: results.slice(0, 2).map((result) => ({ ...result, document: returned[result.index] })),
    });
    expect(await get<object>("ranker", "/rerank", { query: "q", documents, top_n: 1 })).toMatchObject({
      results: results.slice(0, 1),
    });
  });

  test("up to 2,048 documents; errors as OpenAI's", async () => {
    const many = await ask("ranker", "/v2/rerank", { query: "q", documents: Array(2049).fill("a") });
    expect([many.status, many.body]).toMatchObject([422, { error: { type: "invalid_request_error" } }]);
    const some = await get<{ results: object[] }>("ranker", "/v2/rerank", {
      query: "q",
      documents: Array(40).fill("a"),
    });
    expect(some.results.length).toBe(40);
    const fieldless = await ask("ranker", "/v1/rerank", { query: "q", documents: [{ text: "a" }], rank_fields: ["b"] });
    expect(fieldless.body).toMatchObject({ message: "`documents[0]` should have a text in `b`" });
  });
});

test("/v1/models lists the models, and an unknown one is 404", async () => {
  const list = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string }[] };
  expect(list.data.map(({ id }) => id)).toEqual(Object.keys(kinds));
  expect((await fetch(`${server.url}/v1/models/ranker`)).status).toBe(200);
  expect((await fetch(`${server.url}/v1/models/nobody`)).status).toBe(404);
  expect((await post(`${server.url}/v1/embeddings`, { model: "nobody", input: "a" })).status).toBe(404);
});

describe("the document", () => {
  /** What each route wants; all others the embedder. */
  const wanted: Readonly<Record<string, Kind>> = {
    "/predict": "judge",
    "/rerank": "ranker",
    "/v1/rerank": "ranker",
    "/v2/rerank": "ranker",
    "/token-classification": "tagger",
    "/question-answering": "answerer",
    "/zero-shot-classification": "judge",
    "/embed_sparse": "splade",
    "/embed_multi": "colbert",
  };
  const cases = routes.flatMap((route) => route.paths.map((path) => [path, route] as const));

  test.each(cases)("%s answers its example as it says", async (path, { example, answer }) => {
    const body = await get(wanted[path] ?? "embedder", path, example);
    expect(answer.safeParse(body).error).toBeUndefined();
  });

  test("is served, with a page that loads nothing", async () => {
    const served: unknown = await (await fetch(`${server.url}/api-doc/openapi.json`)).json();
    expect(served).toEqual(JSON.parse(JSON.stringify(openApi(routes, false))));
    const html = await (await fetch(`${server.url}/docs`)).text();
    expect(html).not.toMatch(/(?:src|href)="?(?:https?:)?\/\//);
    const { paths } = served as { paths: Record<string, { get?: object }> };
    const gets = Object.keys(paths).filter((path) => paths[path]!.get);
    for (const path of gets) expect([path, (await fetch(server.url + path)).status]).toEqual([path, 200]);
  });
});
