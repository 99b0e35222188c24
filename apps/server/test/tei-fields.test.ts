/** Fields, counters and variables of text-embeddings-inference that no client of the other tests sends. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
import { afterEach, describe, expect, test, vi } from "vitest";
import { parseCommand } from "../src/command.ts";
import { startServer } from "../src/index.ts";
import { jsonList } from "../src/vectors.ts";
import { kinds } from "./model-kinds.ts";
import { magic, post, readyStub } from "./stub-server.ts";
import { until } from "./until.ts";

const tokenizer = await loadModernBertTokenizer();
const idsOf = (text: string): number[] => [...tokenizer.encode(text).ids];
const files = {
  "config_sentence_transformers.json": { prompts: { query: "search: " }, default_prompt_name: null },
};
const long = "word ".repeat(300);

test("`truncate` of null is as one that is missing: the server's default", async () => {
  await using cuts = await readyStub();
  await using refuses = await readyStub({ autoTruncate: false });
  for (const truncate of [null, undefined, true, false]) {
    const statuses = [cuts, refuses].map(
      async (server) => (await server.post("/embed", { inputs: long, truncate })).status,
    );
    expect(await Promise.all(statuses)).toEqual([truncate ?? true, truncate ?? false].map((cut) => (cut ? 200 : 422)));
  }
});

test("`parameters` of /similarity: a prompt before all texts, and what becomes of long ones", async () => {
  await using server = await readyStub({ files });
  const inputs = { source_sentence: "a", sentences: ["b"] };
  const ask = async (parameters: object | null, given = inputs): Promise<number> =>
    (await server.post("/similarity", { inputs: given, parameters })).status;
  expect(await ask({ prompt_name: "query" })).toBe(200);
  expect(server.batches.flat()).toEqual([idsOf("search: a"), idsOf("search: b")]);
  expect(await ask(null)).toBe(200);
  expect(await ask({ prompt_name: "other" })).toBe(422);
  const tail = { source_sentence: `${long}tail`, sentences: ["b"] };
  expect(await ask({ truncate: false }, tail)).toBe(422);
  expect(await ask({ truncation_direction: "Left" }, tail)).toBe(200);
  expect(server.batches.at(-1)!.map((ids) => ids.at(-2))).toContain(idsOf(" tail").at(-2));
});

test("`prompt_name` of /tokenize: places count from the prompt's beginning, as the model reads it", async () => {
  await using server = await readyStub({ files });
  const ask = async (body: object): Promise<unknown> => (await server.post("/tokenize", body)).json();
  expect(await ask({ inputs: "tea", prompt_name: "query" })).toEqual(await ask({ inputs: "search: tea" }));
  expect((await server.post("/tokenize", { inputs: "tea", prompt_name: "other" })).status).toBe(422);
});

test("/tokenize of a long text: all its tokens, each at its place", async () => {
  await using server = await readyStub();
  const text = "naïve tea, ".repeat(2000);
  const [tokens] = (await (await server.post("/tokenize", { inputs: text })).json()) as [
    { id: number; text: string; start: number | null }[],
  ];
  expect(tokens.map(({ id }) => id)).toEqual(idsOf(text));
  expect(tokens.map((token) => (token.start === null ? "" : token.text)).join("")).toBe(text);
});

test("/predict and /rerank cut the side that is asked for", async () => {
  const model = await Promise.all([kinds.judge(), kinds.ranker()]);
  const options = { servedModelName: ["judge", "ranker"], port: 0, threads: 1 } as const;
  await using server = await startServer({ model, ...options, cpuEngine: "typescript", logLevel: "silent" }).then(
    (running) => ({ ...running, [Symbol.asyncDispose]: running.close }),
  );
  await server.ready;
  const ask = async (path: string, body: object): Promise<unknown> => (await post(server.url + path, body)).json();
  for (const side of ["Left", "Right"] as const) {
    const [one, other] = side === "Left" ? [long, `head ${long}`] : [long, `${long}tail`];
    const more = { truncation_direction: side, truncate: true };
    const predict = async (inputs: string): Promise<unknown> => ask("/predict", { model: "judge", inputs, ...more });
    expect(await predict(one)).toEqual(await predict(other));
    const rerank = async (text: string): Promise<unknown> =>
      ask("/rerank", { model: "ranker", query: "q", texts: [text], ...more });
    expect(await rerank(one)).toEqual(await rerank(other));
  }
  const differ = async (inputs: string): Promise<unknown> => ask("/predict", { model: "judge", inputs });
  expect(await differ(`head ${long}`)).not.toEqual(await differ(long));
});

test("a request for another kind of model counts as `model_type`", async () => {
  await using server = await readyStub();
  expect((await server.post("/predict", { inputs: "a" })).status).toBe(424);
  expect((await server.post("/rerank", { query: "a", texts: ["b"] })).status).toBe(424);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('te_request_failure{err="model_type"} 2');
});

test("/vertex takes any number of bodies, answers them in their order, and leaves room for others", async () => {
  await using server = await readyStub({ maxConcurrentRequests: 4, maxClientBatchSize: 1 });
  const bodies = Array.from({ length: 30 }, (_, at) => ({ inputs: [[at]] }));
  const alone = await Promise.all(
    [3, 29].map(async (at) => (await server.post("/embed", bodies[at])).json() as Promise<unknown>),
  );
  const answer = await server.post("/vertex", { instances: bodies });
  expect(answer.status).toBe(200);
  const { predictions } = (await answer.json()) as { predictions: unknown[] };
  expect([predictions.length, predictions[3], predictions[29]]).toEqual([30, ...alone]);

  const held = server.post("/vertex", { instances: [{ inputs: [[magic.hold]] }, ...bodies] });
  await until(async () => server.batches.flat().some(([first]) => first === magic.hold));
  const beside = server.post("/embed", { inputs: [[7]] });
  server.release();
  expect([(await beside).status, (await held).status]).toEqual([200, 200]);
  expect((await server.post("/vertex", { instances: [{ inputs: [[magic.fail]] }, ...bodies] })).status).toBe(424);
});

test("TASK=sentence-similarity makes `POST /` /similarity, and no other body is taken there", async () => {
  await using server = await readyStub({ task: "sentence-similarity" });
  const inputs = { source_sentence: "a", sentences: ["a"] };
  expect(await (await server.post("/", { inputs })).json()).toEqual([1]);
  expect((await server.post("/invocations", { inputs: "a" })).status).toBe(422);
});

function busy(item: number): string {
  const end = performance.now() + 2;
  while (performance.now() < end);
  return String(item);
}

test("writing an answer lets others be heard, and stops when nobody waits for it", async () => {
  let turns = 0;
  const count = (): void => {
    turns++;
    if (turns < 1000) setImmediate(count);
  };
  setImmediate(count);
  const { signal } = new AbortController();
  expect(await jsonList([...Array(40).keys()], busy, signal)).toBe(`[${[...Array(40).keys()].join(",")}]`);
  expect(turns).toBeGreaterThan(3);
  turns = 1000;
  const gone = AbortSignal.abort(new Error("gone"));
  await expect(jsonList([...Array(40).keys()], busy, gone)).rejects.toThrow("gone");
});

describe("variables", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("each is named as its flag, in capitals", () => {
    const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
    const help = execFileSync(process.execPath, [main, "--help"], { encoding: "utf8" });
    const options = help.split(/\n {2}(?=-)/).slice(1);
    const pairs = options.flatMap((option) => {
      const variable = /env: (\w+)/.exec(option.replaceAll(/\s+/g, " "))?.[1];
      const names = [...option.split(/ {2}/)[0]!.matchAll(/--([a-z-]+)/g)].map(([, name]) => name!);
      return variable === undefined ? [] : [{ variable, names }];
    });
    expect(pairs.length).toBeGreaterThan(35);
    const odd = pairs.filter(({ variable, names }) => !names.includes(variable.toLowerCase().replaceAll("_", "-")));
    expect(odd).toEqual([]);
  });

  test("one that says false is false", () => {
    vi.stubEnv("AUTO_TRUNCATE", "false");
    vi.stubEnv("DISABLE_SPANS", "false");
    vi.stubEnv("JSON_OUTPUT", "false");
    expect(parseCommand(["--model", "m"]).options).toMatchObject({ autoTruncate: false, disableSpans: false });
    expect(parseCommand(["--model", "m", "--disable-spans"]).options).toMatchObject({ disableSpans: true });
    vi.stubEnv("DISABLE_SPANS", "true");
    expect(parseCommand(["--model", "m"]).options).toMatchObject({ disableSpans: true });
  });
});
