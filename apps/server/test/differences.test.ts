/** What differs from text-embeddings-inference on purpose: a check for each row of the README's table, by its name. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer } from "../src/index.ts";
import type { RunningServer } from "../src/index.ts";
import { readModelFiles } from "../src/model/model-files.ts";
import { defaults } from "../src/options.ts";
import { magic, post, readyStub, startStub, stubFolder } from "./stub-server.ts";
import type { StubServer } from "./stub-server.ts";
import { colbertFiles, makeTinyModel, withFiles } from "./tiny-model.ts";

let stub: StubServer;
/** Of weights. */
let real: RunningServer;

async function severalLabels(): Promise<string> {
  const folder = await makeTinyModel("sequence-classification", ["a", "b"]);
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as object;
  return withFiles(folder, { "config.json": { ...config, problem_type: "multi_label_classification" } });
}
const activated = async (): Promise<string> =>
  withFiles(makeTinyModel("sequence-classification", ["score"]), {
    "config_sentence_transformers.json": {
      model_type: "CrossEncoder",
      activation_fn: "torch.nn.modules.linear.Identity",
    },
  });

beforeAll(async () => {
  stub = await readyStub();
  const model = [await severalLabels(), await activated()];
  const servedModelName = ["labels", "activated"];
  real = await startServer({
    model,
    servedModelName,
    port: 0,
    threads: 1,
    cpuEngine: "typescript",
    logLevel: "silent",
  });
  await real.ready;
}, 60_000);
afterAll(() => Promise.all([stub.close(), real.close()]));

const metric = async (url: string, line: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(
    text
      .split("\n")
      .find((each) => each.startsWith(`${line} `))
      ?.slice(line.length) ?? 0,
  );
};

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const answerOf = async <T>(path: string, body: object): Promise<T> =>
  (await (await post(real.url + path, body)).json()) as T;
const classes = async (raw: boolean): Promise<{ score: number }[]> =>
  answerOf("/predict", { model: "labels", inputs: "a cat", raw_scores: raw });
const ranks = async (raw: boolean): Promise<object[]> =>
  answerOf("/rerank", { model: "activated", query: "q", texts: ["a", "b"], raw_scores: raw });

const checks: Readonly<Record<string, () => Promise<void>>> = {
  "no pooling file": async () => {
    const { vectors } = await readModelFiles({ ...defaults, model: await stubFolder() }, () => {});
    expect(vectors).toMatchObject({ name: "pooled", pooling: "mean" });
  },
  "inputs on `/v1/embeddings`, `/v1/rerank`, `/v2/rerank`": async () => {
    for (const [count, status] of [
      [2048, 200],
      [2049, 422],
    ] as const) {
      const answer = await stub.post("/v1/embeddings", { input: Array(count).fill("a") });
      expect(answer.status).toBe(status);
      await answer.text(); // an answer that nobody reads holds the server's end up
    }
    for (const [count, status] of [
      [2048, 424],
      [2049, 422],
    ] as const) {
      const body = { query: "q", documents: Array(count).fill("a") };
      for (const path of ["/v1/rerank", "/v2/rerank"]) expect((await stub.post(path, body)).status).toBe(status);
    }
  },
  "errors of `/v1/embeddings`": async () => {
    const body: unknown = await (await stub.post("/v1/embeddings", { input: "" })).json();
    expect(body).toMatchObject({ type: "Empty", code: 400, error: { type: "invalid_request_error", code: 400 } });
  },
  "while the model is loaded": async () => {
    await using loading = await startStub({ holdLoad: true });
    const answers = [await fetch(`${loading.url}/health`), await loading.post("/embed", { inputs: "a" })];
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect((await fetch(`${loading.url}/live`)).status).toBe(200);
    loading.load();
    await loading.ready;
  },
  host: async () => expect(defaults.host).toBe("127.0.0.1"),
  "pages of other origins": async () => {
    const { headers } = await fetch(`${stub.url}/info`, { headers: { origin: "https://example.com" } });
    expect(headers.get("access-control-allow-origin")).toBeNull();
  },
  "port of Prometheus": async () => {
    expect("prometheusPort" in defaults).toBe(false);
    expect((await fetch(`${stub.url}/metrics`)).status).toBe(200);
  },
  gRPC: async () => {
    expect(stub.grpcPort).toBeUndefined();
    await using both = await readyStub({ grpcPort: 0 });
    expect(both.grpcPort).toBeGreaterThan(0);
    expect((await both.post("/embed", { inputs: "a" })).status).toBe(200);
  },
  "429 and 503": async () => {
    await using small = await readyStub({ maxConcurrentRequests: 1 });
    const held = small.post("/embed", { inputs: [[magic.hold]] });
    await until(() => small.batches.length === 1);
    const refused = await small.post("/embed", { inputs: "a" });
    expect([refused.status, Number(refused.headers.get("retry-after"))]).toEqual([429, expect.any(Number)]);
    small.release();
    await held;
    await using loading = await startStub({ holdLoad: true });
    expect((await loading.post("/embed", { inputs: "a" })).headers.get("retry-after")).toBe("5");
    loading.load();
    await loading.ready;
  },
  "bytes that requests hold": async () => {
    await using small = await readyStub({ maxQueueBytes: 200 });
    const held = small.post("/embed", { inputs: [[magic.hold, ...Array<number>(20).fill(7)]] });
    await until(() => small.batches.length === 1);
    expect((await small.post("/embed", { inputs: "a".repeat(100) })).status).toBe(429);
    small.release();
    expect((await held).status).toBe(200);
  },
  "an answer of more than 16,777,216 numbers": async () => {
    await using wide = await readyStub({ config: { hidden_size: 2 ** 18 } });
    expect((await wide.post("/embed_all", { inputs: [Array<number>(64).fill(7)] })).status).toBe(200);
    expect((await wide.post("/embed_all", { inputs: [Array<number>(64).fill(7), [7]] })).status).toBe(422);
  },
  "a request that waits for ever": async () => {
    await using slow = await readyStub({ requestTimeout: 1 });
    expect((await slow.post("/embed", { inputs: [[magic.hold]] })).status).toBe(503);
    slow.release();
  },
  "a single of `/predict` in `te_request_count`": async () => {
    const name = 'te_request_count{method="single"}';
    const before = await metric(stub.url, name);
    await stub.post("/predict", { inputs: "a" });
    expect((await metric(stub.url, name)) - before).toBe(1);
  },
  "`x-compute-type`": async () => {
    expect((await stub.post("/embed", { inputs: "a" })).headers.get("x-compute-type")).toBe("stub");
  },
  "token ids": async () => {
    await stub.post("/embed", { inputs: [[5801, 50282, 50281, 7]] });
    expect(stub.batches.at(-1)).toEqual([[5801, 50282, 50281, 7]]);
  },
  "classes of a model for several labels": async () => {
    const [scores, logits] = [await classes(false), await classes(true)];
    for (const [at, { score }] of scores.entries()) {
      expect(score).toBeCloseTo(1 / (1 + Math.exp(-logits[at]!.score)), 5);
    }
  },
  "score of a reranker with `activation_fn`": async () => {
    expect(await ranks(false)).toEqual(await ranks(true));
  },
  "`/embed_all` of a multi-vector model": async () => {
    await using multi = await readyStub({ files: colbertFiles });
    const refused = await multi.post("/embed_all", { inputs: "a" });
    expect([refused.status, await refused.text()]).toEqual([424, expect.stringContaining("/embed_multi")]);
  },
  "a text with a mask on `POST /`": async () => {
    expect((await stub.post("/", { inputs: "a [MASK]" })).status).toBe(422);
    expect((await stub.post("/embed", { inputs: "a [MASK]" })).status).toBe(200);
  },
  "a pair with one empty text": async () => {
    expect((await post(`${real.url}/predict`, { model: "labels", inputs: ["a", ""] })).status).toBe(400);
  },
  "missing `model` of several, or an unknown one": async () => {
    const first: unknown = await (await fetch(`${real.url}/info`)).json();
    expect(first).toMatchObject({ served_model_name: "labels" });
    expect((await post(`${real.url}/predict`, { model: "nobody", inputs: "a" })).status).toBe(404);
  },
  "404, 405": async () => {
    const answers = [await fetch(`${stub.url}/nothing`), await fetch(`${stub.url}/embed`)];
    expect(answers.map(({ status }) => status)).toEqual([404, 405]);
    for (const answer of answers) expect(await answer.text()).toContain("there is no GET");
  },
};

/** First cells of the table's rows. */
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const [, section = ""] = /### Where it differs from TEI\n([^]*?)\n## /.exec(readme) ?? [];
const rows = [...section.matchAll(/^\| (.+?) +\|/gm)].map(([, cell]) => cell!).filter((cell) => !/^[- ]*$/.test(cell));

test("each row of the table has a check, and each check a row", () => {
  expect(rows).toEqual(Object.keys(checks));
});

test.each(Object.entries(checks))("%s", async (_row, check) => check());
