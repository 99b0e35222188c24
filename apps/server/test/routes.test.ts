/** The real thing: a small model with random weights in the built worker, asked over HTTP by the clients that people use. */
import type { Worker } from "node:worker_threads";
import { OpenAI } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer } from "../src/index.ts";
import type { RunningServer } from "../src/index.ts";
import { spawnWorker } from "../src/model/spawn.ts";
import { post } from "./stub-server.ts";
import { hiddenSize, makeTinyModel } from "./tiny-model.ts";

let server: RunningServer;
let worker: Worker;
let client: OpenAI;

beforeAll(async () => {
  const model = await makeTinyModel();
  server = await startServer({ model, port: 0, threads: 1, logLevel: "silent", servedModelName: "tiny" }, (data) => {
    worker = spawnWorker(data);
    return worker;
  });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
  await server.ready;
}, 60_000);
afterAll(() => server.close());

async function ask<T>(path: string, body: unknown): Promise<T> {
  const response = await post(server.url + path, body);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  return (await response.json()) as T;
}
const embed = (inputs: unknown, more = {}): Promise<number[][]> => ask("/embed", { inputs, ...more });
const length = (vector: readonly number[]): number => Math.hypot(...vector);
const words = (count: number): string => Array.from({ length: count }, (_, i) => `word${i}`).join(" ");

function expectClose(actual: readonly number[], expected: readonly number[], tolerance = 1e-6): void {
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(...actual.map((value, index) => Math.abs(value - expected[index]!)));
  expect(worst).toBeLessThanOrEqual(tolerance);
}

describe("/embed", () => {
  test("answers 2-D, for one text too, normalised unless told otherwise", async () => {
    const [vector, ...none] = await embed("Hello, world!");
    expect(none).toEqual([]);
    expect(vector!.length).toBe(hiddenSize);
    expect(length(vector!)).toBeCloseTo(1, 5);
    const [raw] = await embed(["Hello, world!"], { normalize: false });
    expect(length(raw!)).not.toBeCloseTo(1, 2);
    expectClose(
      vector!,
      raw!.map((value) => value / length(raw!)),
    );
    const written = await (await post(`${server.url}/embed`, { inputs: "Hello, world!" })).text();
    expect(written).not.toMatch(/\d{12}/); // of an f32 nine digits count
  });

  test("a batch gives what its members give alone", async () => {
    const texts = Array.from({ length: 32 }, (_, i) => `${words(i % 7)} ${i}`);
    const together = await embed(texts);
    for (const [index, text] of texts.entries()) expectClose(together[index]!, (await embed(text))[0]!);
  });

  test("fifty at once get their own answers", async () => {
    const texts = Array.from({ length: 50 }, (_, i) => `text number ${i} ${words(i)}`);
    const together = await Promise.all(texts.map((text) => embed(text)));
    for (const [index, text] of texts.entries()) expectClose(together[index]![0]!, (await embed(text))[0]!);
    expect(new Set(together.map(([vector]) => vector![0])).size).toBe(50);
  });

  test("token ids go to the model as they are", async () => {
    const [fromText] = await embed("hi");
    const { usage } = await client.embeddings.create({ model: "tiny", input: "hi" });
    expect(usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
    const [fromIds] = await embed([50281, 5801, 50282]);
    expectClose(fromIds!, fromText!);
    expectClose(
      (
        await embed([
          [50281, 5801, 50282],
          [7, 8],
        ])
      )[0]!,
      fromText!,
    );
  });

  test("truncates on the side that is asked for, or refuses", async () => {
    const long = words(300);
    const sameStart = await embed([long, `${long} tail`]);
    expectClose(sameStart[0]!, sameStart[1]!);
    const sameEnd = await embed([long, `head ${long}`], { truncation_direction: "Left" });
    expectClose(sameEnd[0]!, sameEnd[1]!);
    const refused = await post(`${server.url}/embed`, { inputs: long, truncate: false });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toEqual({
      error: expect.stringMatching(/^`inputs` must have less than 128 tokens\. Given: \d+$/) as string,
      error_type: "Validation",
    });
  });

  test("`dimensions` cuts first and normalises then", async () => {
    const [whole] = await embed("cut me", { normalize: false });
    const [cut] = await embed("cut me", { dimensions: 5 });
    const head = whole!.slice(0, 5);
    expectClose(
      cut!,
      head.map((value) => value / length(head)),
    );
  });

  test("says in headers what it cost", async () => {
    const { headers } = await post(`${server.url}/embed`, { inputs: "naïve 🦜" });
    expect(headers.get("x-compute-type")).toBe("cpu");
    expect(headers.get("x-compute-characters")).toBe("7");
    for (const name of [
      "compute-tokens",
      "compute-time",
      "total-time",
      "tokenization-time",
      "queue-time",
      "inference-time",
    ]) {
      expect(headers.get(`x-${name}`)).toMatch(/^\d+$/);
    }
  });
});

describe("/v1/embeddings", () => {
  test("OpenAI's client reads base64, which it asks for by itself, and floats: both are what /embed says", async () => {
    const input = ["one", "two words"];
    const expected = await embed(input);
    const inBase64 = await client.embeddings.create({ model: "any", input });
    const inFloats = await client.embeddings.create({ model: "any", input, encoding_format: "float" });
    expect(inBase64).toMatchObject({
      object: "list",
      model: "tiny",
      data: [{ object: "embedding", index: 0 }, { index: 1 }],
    });
    for (const index of [0, 1]) {
      expectClose(inBase64.data[index]!.embedding, expected[index]!);
      const [floats, bytes] = [inFloats, inBase64].map(({ data }) => Float32Array.from(data[index]!.embedding));
      expect(floats).toEqual(bytes);
    }
  });

  test("takes every form of input, and dimensions", async () => {
    const forms = ["hi", ["hi"], [50281, 5801, 50282], [[50281, 5801, 50282]]];
    const answers = await Promise.all(
      forms.map((input) => client.embeddings.create({ model: "tiny", input: input as string })),
    );
    for (const { data, usage } of answers) {
      expectClose(data[0]!.embedding, answers[0]!.data[0]!.embedding);
      expect(usage.total_tokens).toBe(3);
    }
    const short = await client.embeddings.create({ model: "tiny", input: "hi", dimensions: 4 });
    expect(short.data[0]!.embedding.length).toBe(4);
    expect(length(short.data[0]!.embedding)).toBeCloseTo(1, 5);
  });

  test("takes the batches that OpenAI's clients make, also beyond the places of the server", async () => {
    const input = Array.from({ length: 600 }, (_, index) => [index]);
    const { data } = await client.embeddings.create({ model: "tiny", input: input as unknown as string[] });
    expect(data.length).toBe(600);
    expect((await post(`${server.url}/v1/embeddings`, { input: Array(2049).fill("a") })).status).toBe(422);
  });

  test("what /embed is asked for can be asked for here", async () => {
    const answer = await ask<{ data: { embedding: number[] }[] }>("/v1/embeddings", { input: "hi", normalize: false });
    expect(answer.data[0]!.embedding).toEqual((await embed("hi", { normalize: false }))[0]);
    const unknown = await post(`${server.url}/v1/embeddings`, { input: "hi", prompt_name: "query" });
    expect([unknown.status, await unknown.json()]).toMatchObject([422, { type: "Validation" }]);
  });

  test("OpenAI's client understands the errors", async () => {
    const failure = await client.embeddings
      .create({ model: "tiny", input: [[50368]] })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenAI.UnprocessableEntityError);
    expect(failure).toMatchObject({
      status: 422,
      type: "invalid_request_error",
      message: expect.stringContaining("token ids go from 0 to 50367") as string,
    });
    const response = await post(`${server.url}/v1/embeddings`, { input: "" });
    const message = "`input` cannot be empty";
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: { message, type: "invalid_request_error", param: null, code: 400 }, message, code: 400, type: "Empty" },
    ]);
  });
});

describe("/fill-mask", () => {
  interface Prediction {
    score: number;
    token: number;
    token_str: string;
    sequence: string;
  }

  test("one mask gives a list of predictions, best first", async () => {
    const predictions = await ask<Prediction[]>("/fill-mask", { inputs: "The capital of France is [MASK]." });
    expect(predictions.length).toBe(5);
    expect(predictions.map(({ score }) => score)).toEqual(predictions.map(({ score }) => score).sort((a, b) => b - a));
    const [{ token, token_str, sequence }] = predictions as [Prediction];
    expect(Number.isInteger(token)).toBe(true);
    expect(sequence).toBe(`The capital of France is${token_str}.`);
  });

  test("`targets` chooses among words, with the scores that they have among all", async () => {
    const inputs = "The capital of France is [MASK].";
    const all = await ask<Prediction[]>("/fill-mask", { inputs, parameters: { top_k: 100 } });
    const [first, last] = [all[3]!, all[60]!];
    const parameters = { targets: [last.token_str, first.token_str] };
    const some = await ask<Prediction[]>("/fill-mask", { inputs, parameters });
    expect(some).toEqual([first, last]);
  });

  test("beside other masks the special tokens stay, as in transformers", async () => {
    const [[first]] = (await ask<Prediction[][]>("/fill-mask", { inputs: "A [MASK] and a [MASK]." })) as [[Prediction]];
    expect(first.sequence).toBe(`[CLS]A${first.token_str} and a[MASK].[SEP]`);
  });

  test("more masks give a list for each, more texts a list of these; a list of one is as the one", async () => {
    const parameters = { top_k: 2 };
    const two = await ask<Prediction[][]>("/fill-mask", { inputs: "A [MASK] and a [MASK].", parameters });
    expect(two.map((list) => list.length)).toEqual([2, 2]);
    const one = await ask<Prediction[]>("/fill-mask", { inputs: "A [MASK].", parameters });
    expect(await ask("/fill-mask", { inputs: ["A [MASK]."], parameters })).toEqual(one);
    const texts = await ask<unknown[]>("/fill-mask", { inputs: ["A [MASK].", "A [MASK] and a [MASK]."], parameters });
    expect(texts.length).toBe(2);
    expect(texts[0]).toMatchObject(one.map(({ token }) => ({ token })));
  });

  test.each([
    [{ inputs: "no mask" }, "`inputs` needs a [MASK], text 0 has none"],
    [{ inputs: ["[MASK]", "[MASK]".repeat(33)] }, "`inputs` may have at most 32 [MASK], text 1 has 33"],
    [{ inputs: "[MASK]", parameters: { top_k: 101 } }, "parameters.top_k"],
    [
      { inputs: "[MASK]", parameters: { targets: [" improbablelongword"] } },
      "expected targets of one token of the model",
    ],
    [{ inputs: "[MASK]", parameters: { targets: [] } }, "targets"],
    [{ inputs: "[MASK]", parameters: { temperature: 1 } }, "temperature"],
    [{ inputs: [1, 2] }, "`inputs` should be a string or a list of strings, got 1"],
    [{ inputs: `[MASK] ${words(300)}` }, "must have less than 128 tokens"],
  ])("refuses %j", async (body, message) => {
    const response = await post(`${server.url}/fill-mask`, body);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      error: expect.stringContaining(message) as string,
      error_type: "Validation",
    });
  });
});

test("/health, /info", async () => {
  const health = await fetch(`${server.url}/health`);
  expect([health.status, await health.text()]).toEqual([200, ""]);
  expect(await (await fetch(`${server.url}/info`)).json()).toEqual({
    model_id: expect.any(String) as string,
    model_sha: null,
    model_dtype: "float32",
    served_model_name: "tiny",
    model_type: { embedding: { pooling: "mean" } },
    max_concurrent_requests: 512,
    max_input_length: 128,
    max_batch_tokens: 16384,
    max_batch_requests: null,
    max_client_batch_size: 32,
    auto_truncate: true,
    tokenization_workers: 1,
    version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
    sha: null,
    docker_label: null,
  });
});

test("the real worker, when it ends, is followed by another that answers the same", async () => {
  const before = await embed("still the same");
  await worker.terminate();
  while ((await fetch(`${server.url}/health`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await embed("still the same")).toEqual(before);
});
