/** What surrounds the routes: metrics, API keys, CORS, rate limit, liveness, traces. On stubs. */
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startServer } from "../src/index.ts";
import { magic, readyStub, startStub } from "./stub-server.ts";
import type { StubServer } from "./stub-server.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Samples without buckets, by name and labels. */
async function samples(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(url)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => line.split(/ (?=[^ ]+$)/)).map(([name, value]) => [name, Number(value)]),
  );
}

describe("metrics", () => {
  test("count each request and each input once, by TEI's names; with a port of their own", async () => {
    const prometheusPort = await freePort();
    await using server = await readyStub({ prometheusPort });
    await server.post("/embed", { inputs: "a" });
    await server.post("/embed", { inputs: [[1, 2, 3], [4]] });
    await server.post("/v1/embeddings", { input: [1, 2] });
    await server.post("/fill-mask", { inputs: "[MASK]" });
    await server.post("/embed", { inputs: Array(33).fill("a") });
    await server.post("/embed", { inputs: 5 });
    await server.post("/embed", { inputs: [[magic.fail]] });
    await until(async () => (await samples(`${server.url}/metrics`))["te_request_duration_count"] === 4);
    const seen = await samples(`${server.url}/metrics`);
    expect(seen).toMatchObject({
      'te_request_count{method="single"}': 4,
      'te_request_count{method="batch"}': 3,
      'te_request_success{method="single"}': 3,
      'te_request_success{method="batch"}': 1,
      'te_request_failure{err="batch_size"}': 1,
      'te_request_failure{err="validation"}': 1,
      'te_request_failure{err="inference"}': 1,
      te_embed_count: 5,
      te_embed_success: 4,
      te_predict_count: 1,
      te_predict_success: 1,
      te_embed_duration_count: 4,
      te_embed_queue_duration_count: 4,
      te_request_tokenization_duration_count: 4,
      te_request_inference_duration_count: 4,
      te_request_input_length_count: 5,
      te_request_input_length_sum: 3 + 3 + 1 + 2 + 3,
      te_batch_next_size_count: 5,
      te_batch_next_size_sum: 6,
      te_batch_next_tokens_sum: 13,
      te_queue_size: 0,
    });
    const edges = (name: string): string[] =>
      Object.keys(seen).flatMap((key) => new RegExp(`^${name}_bucket\\{le="([^"]+)"`).exec(key)?.[1] ?? []);
    expect(edges("te_request_input_length")).toEqual(["1", "2", "4", "8", "16", "32", "64", "+Inf"]);
    expect(edges("te_request_duration").map(Number).slice(0, 2)).toEqual([0.00001 * 1.5, 0.00001 * 1.5 * 1.5]);
    expect([edges("te_embed_duration").length, edges("te_batch_next_size").length]).toEqual([36, 14]);
    expect(await samples(`http://127.0.0.1:${prometheusPort}/metrics`)).toMatchObject({ te_embed_count: 5 });
    expect((await fetch(`http://127.0.0.1:${prometheusPort}/info`)).status).toBe(404);
  });

  test("requests beyond the limit are overloaded, those whose client left are dropped; what waits is the queue", async () => {
    await using server = await readyStub({ maxConcurrentRequests: 2, maxBatchRequests: 1 });
    const leaving = new AbortController();
    const held = server.post("/embed", { inputs: [[magic.hold]] }, { signal: leaving.signal });
    const waiting = server.post("/embed", { inputs: [[1]] });
    await until(async () => (await samples(`${server.url}/metrics`))["te_queue_size"] === 1);
    expect((await server.post("/embed", { inputs: "a" })).status).toBe(429);
    leaving.abort();
    await expect(held).rejects.toThrow();
    await until(async () => (await samples(`${server.url}/metrics`))['te_request_failure{err="dropped"}'] === 1);
    server.release();
    await waiting;
    expect(await samples(`${server.url}/metrics`)).toMatchObject({ 'te_request_failure{err="overloaded"}': 1 });
  });

  test("a port that is taken is told at the start", async () => {
    await using server = await readyStub();
    const taken = Number(new URL(server.url).port);
    await expect(startStub({ prometheusPort: taken })).rejects.toThrow("--prometheus-port");
  });
});

const ask = async (server: StubServer, path: string, key?: string): Promise<Response> =>
  fetch(server.url + path, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } });

describe("API keys", () => {
  test("any of the file's, or the flag's; a changed file counts at once, one without keys does not", async () => {
    const apiKeyFile = join(await temporaryFolder(), "keys");
    await writeFile(apiKeyFile, "# for tests\none\n\n  two  \r\n");
    await using server = await readyStub({ apiKeyFile, apiKey: "zero" });
    const statuses = async (...keys: string[]): Promise<number[]> =>
      Promise.all(keys.map(async (key) => (await ask(server, "/info", key)).status));
    expect(await statuses("zero", "one", "two", "three", "# for tests", "")).toEqual([200, 200, 200, 401, 401, 401]);
    await writeFile(apiKeyFile, "three\n");
    await until(async () => (await statuses("three"))[0] === 200);
    expect(await statuses("zero", "one")).toEqual([200, 401]);
    await writeFile(apiKeyFile, "# none\n");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await statuses("three", "# none")).toEqual([200, 401]);
    expect((await ask(server, "/metrics")).status).toBe(200);
    expect((await ask(server, "/live")).status).toBe(200);
  });

  test("a file that is not there or has no key is refused at the start", async () => {
    const empty = join(await temporaryFolder(), "keys");
    await writeFile(empty, "\n");
    const given = { model: "m", port: 0 };
    await expect(startServer({ ...given, apiKeyFile: empty })).rejects.toThrow(
      "expected a key a line in --api-key-file",
    );
    await expect(startServer({ ...given, apiKeyFile: "/nowhere/keys" })).rejects.toThrow(
      "cannot read --api-key-file /nowhere/keys",
    );
  });
});

test("pages of the origins that are allowed may ask, with a key; others hear nothing of CORS", async () => {
  await using server = await readyStub({ corsAllowOrigin: ["https://a.example"], apiKey: "key" });
  const preflight = async (origin: string): Promise<Response> =>
    fetch(`${server.url}/embed`, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization" },
    });
  const allowed = await preflight("https://a.example");
  expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([204, "https://a.example"]);
  expect(allowed.headers.get("access-control-allow-headers")).toBe("Content-Type, Authorization");
  expect(allowed.headers.get("access-control-allow-methods")).toBe("GET, POST");
  expect((await preflight("https://b.example")).headers.get("access-control-allow-origin")).toBe(null);
  await using closed = await readyStub();
  const headers = { origin: "https://a.example", "content-type": "application/json" };
  const answer = await closed.post("/embed", { inputs: "a" }, { headers });
  expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, null]);
});

test("so many requests a minute for each key; more hear 429 in the usual shape; health is not counted", async () => {
  await using server = await readyStub({ rateLimit: 2 });
  const statuses: number[] = [];
  for (let i = 0; i < 3; i++) statuses.push((await ask(server, "/info", "a")).status);
  expect(statuses).toEqual([200, 200, 429]);
  const refused = await ask(server, "/info", "a");
  expect([Number(refused.headers.get("retry-after")) > 0, await refused.json()]).toEqual([
    true,
    { error: "more than 2 requests in a minute (--rate-limit)", error_type: "Overloaded" },
  ]);
  expect((await ask(server, "/info", "b")).status).toBe(200);
  for (let i = 0; i < 4; i++) expect((await ask(server, "/health")).status).toBe(200);
});

test("/live says whether a new start would help: not while the model is loaded, but when it has died for good", async () => {
  await using server = await startStub({ holdLoad: true, maxWorkerRestarts: 0 });
  expect([(await ask(server, "/live")).status, (await ask(server, "/health")).status]).toEqual([200, 503]);
  server.load();
  await server.ready;
  await server.post("/embed", { inputs: [[magic.crash]] });
  await until(async () => (await ask(server, "/live")).status === 503);
});

/** A collector: keeps the bodies of OTLP's gRPC calls, and says thanks. */
async function collector(): Promise<{ url: string; received: () => Buffer }> {
  const bodies: Buffer[] = [];
  const server = createServer();
  server.on("stream", (stream) => {
    stream.on("data", (data: Buffer) => bodies.push(data));
    stream.on("end", () => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.alloc(5));
    });
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => void server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => Buffer.concat(bodies),
  };
}

test("traces go to the collector under the caller's trace, without the text", async () => {
  const { url, received } = await collector();
  const server = await readyStub({ otlpEndpoint: url, otlpServiceName: "my-service" });
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const headers = { "content-type": "application/json", traceparent: `00-${trace}-b7ad6b7169203331-01` };
  expect((await server.post("/embed", { inputs: "a secret text" }, { headers })).status).toBe(200);
  await server.close(); // sends what is left
  const sent = received();
  for (const name of ["my-service", "POST /embed", "tokenize", "compute"]) expect(sent.includes(name)).toBe(true);
  const ofCaller = sent.toString("hex").split(trace).length - 1;
  expect(ofCaller).toBe(3);
  expect(sent.includes("secret")).toBe(false);
});
