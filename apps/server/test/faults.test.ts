/** What happens when things go wrong: overload, clients that leave, workers that die, shutdown. On a stub that misbehaves when told. */
import { describe, expect, test } from "vitest";
import { magic, readyStub, startStub } from "./stub-server.ts";
import type { StubServer } from "./stub-server.ts";

const embed = (server: StubServer, inputs: unknown, init?: RequestInit): Promise<Response> =>
  server.post("/embed", { inputs }, init);
const health = (server: StubServer): Promise<Response> => fetch(`${server.url}/health`);
const pause = (ms: number): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again and again until the answer has this status; an answer that does not come counts as none. */
async function until(status: number, ask: () => Promise<Response>): Promise<Response> {
  for (let tries = 0; tries < 1000; tries++) {
    const response = await ask().catch(() => undefined);
    if (response?.status === status) return response;
    await pause(5);
  }
  throw new Error(`no answer ${status} in 1000 tries`);
}

describe("loading", () => {
  test("/health and requests say 503 while the model is loaded; then all work", async () => {
    await using server = await startStub({ holdLoad: true });
    const before = await health(server);
    expect(before.status).toBe(503);
    expect(await before.json()).toMatchObject({ error: "unhealthy", error_type: "Unhealthy" });
    const early = await embed(server, "hi");
    expect([early.status, early.headers.get("retry-after"), await early.json()]).toEqual([
      503,
      "5",
      { error: "the model is being loaded", error_type: "Unhealthy" },
    ]);
    server.load();
    await server.ready;
    expect((await health(server)).status).toBe(200);
    expect((await embed(server, "hi")).status).toBe(200);
  });

  test("a model that cannot be loaded is not tried again", async () => {
    await using server = await startStub({ failLoad: true });
    await expect(server.ready).rejects.toThrow("[stub] expected a model, got none");
    expect((await health(server)).status).toBe(503);
  });
});

describe("batching", () => {
  test("packs by tokens and looks ahead", async () => {
    await using server = await readyStub({ maxBatchTokens: 10 });
    const lengths = [6, 6, 4, 3];
    const inputs = lengths.map((length, index) => Array.from({ length }, () => index));
    expect((await embed(server, inputs)).status).toBe(200);
    expect(server.batches.map((batch) => batch.map(([first]) => first))).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  test("a sequence that cannot be computed fails alone, with 424", async () => {
    await using server = await readyStub();
    const held = embed(server, [[magic.hold]]);
    const others = [embed(server, [[magic.fail]]), embed(server, [[magic.nan]]), embed(server, [[1]])];
    await pause(50);
    server.release();
    const [fail, nan, good] = await Promise.all(others);
    expect([fail!.status, await fail!.json()]).toEqual([
      424,
      { error: "[stub] expected other ids", error_type: "Backend" },
    ]);
    expect([nan!.status, await nan!.json()]).toMatchObject([424, { error_type: "Backend" }]);
    expect([good!.status, (await held).status]).toEqual([200, 200]);
  });
});

test("fill-mask requests that ask for other numbers of predictions share a batch, and get theirs", async () => {
  await using server = await readyStub({ maxConcurrentRequests: 4 });
  const held = embed(server, [[magic.hold]]);
  await until(200, async () => (server.batches.length > 0 ? health(server) : Response.error()));
  const asked = [1, 3, 5].map((top_k) => server.post("/fill-mask", { inputs: "a [MASK]", parameters: { top_k } }));
  await until(429, () => embed(server, [[9]], { signal: AbortSignal.timeout(500) })); // all three have come
  server.release();
  const answers = (await Promise.all(asked.map(async (answer) => (await answer).json()))) as unknown[][];
  expect(answers.map(({ length }) => length)).toEqual([1, 3, 5]);
  await held;
  expect(server.batches.map(({ length }) => length)).toEqual([1, 3]);
});

describe("overload", () => {
  test("a bulk takes at most half of the places: singles are let in beside it", async () => {
    await using server = await readyStub({ maxConcurrentRequests: 4 });
    const bulk = embed(server, [[magic.hold], ...Array.from({ length: 19 }, (_, index) => [index])]);
    await until(200, async () => (server.batches.length > 0 ? health(server) : Response.error()));
    const singles = [embed(server, "a"), embed(server, "b")];
    await until(429, () => embed(server, ["c", "d"]));
    server.release();
    expect(await (await bulk).json()).toHaveLength(20);
    expect((await Promise.all(singles)).map(({ status }) => status)).toEqual([200, 200]);
  });

  test("inputs beyond the limit hear 429 with Retry-After; places come back", async () => {
    await using server = await readyStub({ maxConcurrentRequests: 4 });
    const held = embed(server, [[magic.hold], [1], [2]]);
    const beside = embed(server, [[3], [4]]);
    const refused = await until(429, () => embed(server, "x"));
    expect(refused.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    expect(await refused.json()).toEqual({ error: "Model is overloaded", error_type: "Overloaded" });
    const inOpenAi = await server.post("/v1/embeddings", { input: "x" });
    expect(await inOpenAi.json()).toMatchObject({ error: { type: "rate_limit_error", code: 429 }, type: "Overloaded" });
    server.release();
    expect(await (await held).json()).toHaveLength(3);
    expect((await beside).status).toBe(200);
    expect((await embed(server, ["x", "y", "z"])).status).toBe(200);
  });

  test("a client that hangs up takes its inputs out of the queue", async () => {
    await using server = await readyStub({ maxConcurrentRequests: 4 });
    const held = embed(server, [[magic.hold]]);
    await until(200, async () => (server.batches.length > 0 ? health(server) : Response.error()));
    const leaving = new AbortController();
    const gone = embed(server, [[7], [8]], { signal: leaving.signal });
    await until(429, () => embed(server, [[9], [10]], { signal: AbortSignal.timeout(500) }));
    leaving.abort();
    await expect(gone).rejects.toThrow();
    // Its two places are free again when two others wait in them.
    let waiting: Promise<Response>;
    let answer: Response | undefined;
    do {
      waiting = embed(server, [[21], [22]]);
      answer = await Promise.race([waiting, pause(500)]);
    } while (answer?.status === 429);
    server.release();
    expect([(await held).status, (await waiting).status]).toEqual([200, 200]);
    const computed = server.batches.flat().map(([first]) => first);
    expect(computed).toEqual(expect.arrayContaining([magic.hold, 21, 22]));
    expect(computed).not.toContain(7);
    expect(computed).not.toContain(8);
  });

  test("a deadline ends in 503, and a model that hangs is unhealthy", async () => {
    await using server = await readyStub({ requestTimeout: 1 });
    const late = await embed(server, [[magic.hold]]);
    expect([late.status, late.headers.get("retry-after"), await late.json()]).toEqual([
      503,
      "10",
      { error: "the request was not answered within its deadline of 1 s", error_type: "Overloaded" },
    ]);
    // The worker is started again by itself.
    await until(200, async () => (server.spawned() === 2 ? health(server) : Response.error()));
    expect((await embed(server, "hi")).status).toBe(200);
  });

  test("a batch that takes long is no fault: /health says 200, and who came later is answered after it", async () => {
    await using server = await readyStub({ requestTimeout: 1 });
    const long = [magic.hold, ...Array.from({ length: 14 }, () => 1)]; // 15 tokens may take 15 s
    const late = await embed(server, [long]);
    expect(late.status).toBe(503);
    const waiting = embed(server, [[1]]);
    await pause(300);
    expect((await health(server)).status).toBe(200);
    server.release();
    expect((await waiting).status).toBe(200);
    expect(server.spawned()).toBe(1);
  });

  test("a batch whose clients have all gone is broken off where that is quicker; who waits behind it is answered", async () => {
    await using server = await readyStub();
    const leaving = new AbortController();
    const texts = Array.from({ length: 4 }, () => [magic.hold, ...Array.from({ length: 60 }, () => 1)]);
    const gone = embed(server, texts, { signal: leaving.signal });
    await until(200, async () => (server.batches.length > 0 ? health(server) : Response.error()));
    const waiting = embed(server, [[2]]);
    await pause(20);
    leaving.abort();
    await expect(gone).rejects.toThrow();
    expect((await waiting).status).toBe(200);
    expect(server.spawned()).toBe(2);
  });
});

describe("a worker that dies", () => {
  test("fails its requests with 503 and is started again", async () => {
    await using server = await readyStub();
    const crashed = await embed(server, [[magic.crash]]);
    expect([crashed.status, await crashed.json()]).toEqual([
      503,
      { error: "the model's worker ended: the stub was told to crash", error_type: "Unhealthy" },
    ]);
    await until(200, () => health(server));
    expect((await embed(server, "hi")).status).toBe(200);
  });

  test("is given up after too many starts: nothing hangs, /health says so", async () => {
    await using server = await readyStub({ maxWorkerRestarts: 1, maxBatchRequests: 1 });
    await embed(server, [[magic.crash]]);
    await until(200, () => health(server));
    const both = await Promise.all([embed(server, [[magic.crash]]), embed(server, [[magic.crash]])]);
    expect(both.map(({ status }) => status)).toEqual([503, 503]);
    expect((await health(server)).status).toBe(503);
    expect(await (await embed(server, "hi")).json()).toMatchObject({
      error: expect.stringContaining("died for good") as string,
    });
  });
});

describe("shutdown", () => {
  test("answers what is under way, refuses new connections", async () => {
    const server = await readyStub();
    const held = embed(server, [[magic.hold]]);
    await until(200, async () => (server.batches.length > 0 ? health(server) : Response.error()));
    const closed = server.close();
    await expect(fetch(`${server.url}/health`)).rejects.toThrow();
    server.release();
    expect((await held).status).toBe(200);
    await closed;
  });

  test("waits only so long", async () => {
    const server = await readyStub({ shutdownTimeout: 0, maxBatchRequests: 1 });
    const held = [embed(server, [[magic.hold]]), embed(server, [[1]])];
    await until(200, async () => (server.batches.length > 0 ? health(server) : Response.error()));
    await pause(20);
    await server.close();
    const statuses = (await Promise.all(held)).map(({ status }) => status);
    expect(statuses).toEqual([503, 503]);
  });
});
