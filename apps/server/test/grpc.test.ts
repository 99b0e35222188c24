/** `tei.v1` asked by grpc-js: the numbers of the routes, errors, streams, cancellation, and messages that no honest client sends. */
import { status } from "@grpc/grpc-js";
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer } from "../src/index.ts";
import type { RunningServer } from "../src/index.ts";
import { clientOf, healthOf } from "./grpc-client.ts";
import type { Reply } from "./grpc-client.ts";
import { magic, post, readyStub } from "./stub-server.ts";
import { makeTinyModel, spladeModules, withFiles } from "./tiny-model.ts";
import { until } from "./until.ts";

const failure = async (reply: Promise<unknown>): Promise<ServiceError> =>
  reply.then(
    () => expect.fail("expected a failure"),
    (error: unknown) => error as ServiceError,
  );

let server: RunningServer;
const kinds = {
  embedder: () => makeTinyModel(),
  ranker: () => makeTinyModel("sequence-classification", ["score"]),
  judge: () => makeTinyModel("sequence-classification", ["yes", "no", "maybe"]),
  splade: () => withFiles(makeTinyModel(), { "modules.json": spladeModules }),
};

beforeAll(async () => {
  const model = await Promise.all(Object.values(kinds).map((make) => make()));
  const servedModelName = Object.keys(kinds);
  const cpuEngine = "typescript";
  server = await startServer({
    model,
    servedModelName,
    port: 0,
    grpcPort: 0,
    threads: 1,
    cpuEngine,
    logLevel: "silent",
  });
  await server.ready;
}, 120_000);
afterAll(() => server.close());

async function http<T>(model: string, path: string, body: object): Promise<T> {
  return (await (await post(server.url + path, { model, ...body })).json()) as T;
}
function expectClose(found: unknown, expected: readonly number[]): void {
  const numbers = found as number[];
  expect(numbers.length).toBe(expected.length);
  expect(Math.max(0, ...expected.map((value, at) => Math.abs(value - numbers[at]!)))).toBeLessThan(1e-5);
}

describe("the numbers of the routes", () => {
  const inputs = "naïve tea";

  test("Embed", async () => {
    const { Embed, EmbedAll, EmbedStream } = clientOf(server.grpcPort!, "Embed");
    const reply = await Embed!({ inputs });
    const [vector] = await http<number[][]>("embedder", "/embed", { inputs });
    expectClose(reply["embeddings"], vector!);
    expect(reply["metadata"]).toMatchObject({ compute_chars: 9, total_time_ns: expect.any(Number) as number });
    const raw = await Embed!({ inputs, normalize: false, dimensions: 5 });
    expectClose(
      raw["embeddings"],
      (await http<number[][]>("embedder", "/embed", { inputs, normalize: false, dimensions: 5 }))[0]!,
    );
    const all = (await EmbedAll!({ inputs }))["token_embeddings"] as { embeddings: number[] }[];
    const [rows] = await http<number[][][]>("embedder", "/embed_all", { inputs });
    for (const [at, row] of rows!.entries()) expectClose(all[at]!.embeddings, row);
    const texts = Array.from({ length: 40 }, (_, at) => `text ${at} ${"word ".repeat(at % 7)}`);
    const { replies } = await EmbedStream!(texts.map((text) => ({ inputs: text })));
    const vectors = await Promise.all(texts.map((text) => http<number[][]>("embedder", "/embed", { inputs: text })));
    for (const [at, [one]] of vectors.entries()) expectClose((replies as Reply[])[at]!["embeddings"], one!);
  });

  test("EmbedSparse, of the model that the metadata names", async () => {
    const { EmbedSparse } = clientOf(server.grpcPort!, "Embed");
    const [weights] = await http<{ index: number; value: number }[][]>("splade", "/embed_sparse", { inputs });
    const sparse = (await EmbedSparse!({ inputs }, { model: "splade" }))["sparse_embeddings"] as typeof weights;
    expect(sparse!.map(({ index }) => index)).toEqual(weights!.map(({ index }) => index));
    expectClose(
      sparse!.map(({ value }) => value),
      weights!.map(({ value }) => value),
    );
  });

  test("Predict, Rerank, as calls and as streams", async () => {
    const predict = clientOf(server.grpcPort!, "Predict");
    const single = await http<{ label: string; score: number }[]>("judge", "/predict", { inputs });
    const found = (await predict["Predict"]!({ inputs }, { model: "judge" }))["predictions"] as typeof single;
    expect(found.map(({ label }) => label)).toEqual(single.map(({ label }) => label));
    const pair = await http<{ score: number }[]>("judge", "/predict", { inputs: ["a", "b"], raw_scores: true });
    const { replies } = await predict["PredictPairStream"]!(
      [{ inputs: ["a", "b"], raw_scores: true }, { inputs: ["a"] }],
      { model: "judge" },
    );
    const [first] = replies as { predictions: { score: number }[] }[];
    expectClose(
      first!.predictions.map(({ score }) => score),
      pair.map(({ score }) => score),
    );
    const rerank = clientOf(server.grpcPort!, "Rerank");
    const texts = ["one", "two words", "three words here"];
    const ranks = await http<{ index: number; score: number }[]>("ranker", "/rerank", { query: "q", texts });
    const calls = [
      await rerank["Rerank"]!({ query: "q", texts, return_text: true }, { model: "ranker" }),
      await rerank["RerankStream"]!(
        texts.map((text) => ({ query: "q", text, return_text: true })),
        { model: "ranker" },
      ),
    ];
    for (const reply of calls) {
      const named = reply["ranks"] as { index: number; score: number; text: string }[];
      expect(named.map(({ index, text }) => [index, text])).toEqual(ranks.map(({ index }) => [index, texts[index]]));
      expectClose(
        named.map(({ score }) => score),
        ranks.map(({ score }) => score),
      );
    }
  });

  test("Tokenize, Decode, Info", async () => {
    const { Tokenize, Decode } = clientOf(server.grpcPort!, "Tokenize");
    const [tokens] = await http<{ id: number; start: number | null; stop: number | null }[][]>(
      "embedder",
      "/tokenize",
      { inputs },
    );
    const reply = (await Tokenize!({ inputs, add_special_tokens: true }))["tokens"] as Reply[];
    expect(reply.map(({ start, stop, ...rest }) => ({ ...rest, start: start ?? null, stop: stop ?? null }))).toEqual(
      tokens,
    );
    expect(await Decode!({ ids: tokens!.map(({ id }) => id), skip_special_tokens: true })).toEqual({ text: inputs });
    const { Info } = clientOf(server.grpcPort!, "Info");
    expect(await Info!({}, { model: "ranker" })).toMatchObject({
      model_type: 2,
      max_input_length: 128,
      model_dtype: "float32",
    });
  });
});

test.each<[string, string, string, object, status, string]>([
  ["embedder", "Embed", "Embed", { inputs: "" }, status.INVALID_ARGUMENT, "`inputs` cannot be empty"],
  [
    "embedder",
    "Embed",
    "Embed",
    { inputs: "word ".repeat(300) },
    status.INVALID_ARGUMENT,
    "must have less than 128 tokens",
  ],
  [
    "embedder",
    "Embed",
    "Embed",
    { inputs: "a", dimensions: 0 },
    status.INVALID_ARGUMENT,
    "`dimensions` should be positive",
  ],
  [
    "embedder",
    "Embed",
    "Embed",
    { inputs: "a", truncation_direction: 7 },
    status.INVALID_ARGUMENT,
    "truncation_direction",
  ],
  ["embedder", "Embed", "Embed", { inputs: "a", prompt_name: "none" }, status.INVALID_ARGUMENT, "`prompt_name`"],
  ["embedder", "Embed", "EmbedSparse", { inputs: "a" }, status.FAILED_PRECONDITION, "SPLADE pooling"],
  ["splade", "Embed", "EmbedAll", { inputs: "a" }, status.FAILED_PRECONDITION, "not available for SPLADE models"],
  ["embedder", "Predict", "Predict", { inputs: "a" }, status.FAILED_PRECONDITION, "model is not a classifier model"],
  [
    "judge",
    "Predict",
    "PredictPair",
    { inputs: ["a", "b", "c"] },
    status.INVALID_ARGUMENT,
    "a single or two elements. Given: 3",
  ],
  [
    "judge",
    "Rerank",
    "Rerank",
    { query: "q", texts: ["a"] },
    status.FAILED_PRECONDITION,
    "model is not a re-ranker model",
  ],
  ["ranker", "Rerank", "Rerank", { query: "q", texts: [] }, status.INVALID_ARGUMENT, "`texts` cannot be empty"],
  ["ranker", "Rerank", "Rerank", { query: "q", texts: Array(33).fill("a") }, status.INVALID_ARGUMENT, "batch size 33"],
  ["ranker", "Rerank", "RerankStream", [], status.INVALID_ARGUMENT, "cannot be empty"],
  ["embedder", "Tokenize", "Decode", { ids: [60_000] }, status.INVALID_ARGUMENT, "token ids go from 0 to 50367"],
  ["nobody", "Embed", "Embed", { inputs: "a" }, status.NOT_FOUND, "there is no model"],
  ["embedder", "Embed", "Embed", { inputs: "a".repeat(3_000_000) }, status.RESOURCE_EXHAUSTED, "larger than max"],
  [
    "embedder",
    "Embed",
    "EmbedStream",
    [{ inputs: "a" }, { inputs: "" }, { inputs: "b" }],
    status.INVALID_ARGUMENT,
    "cannot be empty",
  ],
])("%s %s.%s fails by name", async (model, service, method, request, code, details) => {
  const error = await failure(clientOf(server.grpcPort!, service)[method]!(request, { model }));
  expect([error.code, error.details]).toEqual([code, expect.stringContaining(details)]);
  const alive = await clientOf(server.grpcPort!, "Embed")["Embed"]!({ inputs: "still here" });
  expect((alive["embeddings"] as number[]).length).toBeGreaterThan(0);
});

describe("on a stub", () => {
  test("a key is asked for, but not by health checks", async () => {
    await using stub = await readyStub({ apiKey: "s3cret", grpcPort: 0 });
    const { Tokenize } = clientOf(stub.grpcPort!, "Tokenize");
    expect(await failure(Tokenize!({ inputs: "hi" }))).toMatchObject({
      code: status.UNAUTHENTICATED,
      details: "No valid auth token",
    });
    expect(await Tokenize!({ inputs: "hi" }, { authorization: "Bearer s3cret" })).toMatchObject({
      tokens: [{ id: 5801 }],
    });
    expect(await healthOf(stub.grpcPort!, "tei.v1.Embed")).toBe("SERVING");
  });

  test("a call that is cancelled, or past its deadline, leaves the queue", async () => {
    await using stub = await readyStub({ grpcPort: 0, files: {} });
    const held = stub.post("/embed", { inputs: [[magic.hold]] });
    await until(() => stub.batches.length === 1);
    const { Embed, raw } = clientOf(stub.grpcPort!, "Embed");
    expect((await failure(Embed!({ inputs: "late" }, {}, { deadline: Date.now() + 200 }))).code).toBe(
      status.DEADLINE_EXCEEDED,
    );
    const cancelled = new Promise<ServiceError>((resolve) => {
      const call = (raw["Embed"] as (...given: unknown[]) => { cancel(): void }).call(
        raw,
        { inputs: "gone" },
        (error: ServiceError) => resolve(error),
      );
      setTimeout(() => call.cancel(), 100);
    });
    expect((await cancelled).code).toBe(status.CANCELLED);
    await until(async () => /^te_queue_size 0$/m.test(await (await fetch(`${stub.url}/metrics`)).text()));
    stub.release();
    expect((await held).status).toBe(200);
    expect(stub.batches.length).toBe(1);
  });

  test("a call beyond the places is refused, a stream waits for them", async () => {
    await using stub = await readyStub({ grpcPort: 0, maxConcurrentRequests: 2 });
    const held = [1, 2].map((id) => stub.post("/embed", { inputs: [[magic.hold, id]] }));
    await until(async () => (await stub.post("/embed", { inputs: [[7]] })).status === 429);
    const { Embed, EmbedStream } = clientOf(stub.grpcPort!, "Embed");
    const refused = await failure(Embed!({ inputs: "a" }));
    expect([refused.code, refused.metadata.get("retry-after")]).toEqual([
      status.RESOURCE_EXHAUSTED,
      [expect.any(String)],
    ]);
    const counted = async (): Promise<number> => {
      const text = await (await fetch(`${stub.url}/metrics`)).text();
      return Number(/^te_request_count\{method="single"\} (\d+)$/m.exec(text)?.[1]);
    };
    const before = await counted();
    const streamed = EmbedStream!(Array.from({ length: 20 }, (_, at) => ({ inputs: `text ${at}` })));
    await until(async () => (await counted()) > before); // the first message has been refused
    stub.release();
    expect(((await streamed)["replies"] as object[]).length).toBe(20);
    await Promise.all(held);
  });

  test("a stream answers each message before the next one comes; one that is broken off ends its work", async () => {
    await using stub = await readyStub({ grpcPort: 0 });
    const { raw } = clientOf(stub.grpcPort!, "Embed");
    const stream = (raw["EmbedStream"] as () => ClientDuplexStream<object, Reply>).call(raw);
    stream.on("error", () => {});
    for (const inputs of ["one", "two"]) {
      const answered = new Promise((resolve) => stream.once("data", resolve));
      stream.write({ inputs });
      await answered;
    }
    stream.cancel();
    await until(async () => (await (await fetch(`${stub.url}/health`)).text()) === "");
    expect((await clientOf(stub.grpcPort!, "Embed")["Embed"]!({ inputs: "after" }))["embeddings"]).toHaveLength(8);
  });
});
