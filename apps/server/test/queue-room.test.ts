/** The bound on bytes that wait: beyond it 429 with Retry-After, whatever holds them, and all of it given back. On stubs. */
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import { expect, test } from "vitest";
import { QueueRoom } from "../src/batching/queue-room.ts";
import { boundAnswers } from "../src/operations/bound-answers.ts";
import { ServeError } from "../src/errors.ts";
import { magic, readyStub } from "./stub-server.ts";
import { until } from "./until.ts";

test("bytes are taken and given back once; one request takes at most half", () => {
  const room = new QueueRoom(100, () => 7);
  const [first, second] = [room.take(30), room.take(1000)];
  expect(room.taken).toBe(80);
  expect(() => room.take(21)).toThrow(ServeError);
  try {
    room.take(21);
  } catch (error) {
    expect(error).toMatchObject({ type: "Overloaded", status: 429, retryAfter: 7 });
  }
  first();
  first();
  expect(room.taken).toBe(50);
  second();
  expect(room.taken).toBe(0);
  const odd = new QueueRoom(101, () => 7);
  odd.take(1000);
  expect(() => odd.take(1000), "a body and an answer fit together").not.toThrow();
});

test("bodies and token ids that wait are bounded; who is refused is told when to come back", async () => {
  await using server = await readyStub({ maxQueueBytes: 2_000 });
  const held = server.post("/embed", { inputs: [[magic.hold, ...Array<number>(15).fill(7)]] });
  await until(() => server.batches.length === 1);
  const long = { inputs: "word ".repeat(120) }; // some 600 bytes, and 256 of token ids
  const waiting = [server.post("/embed", long), server.post("/embed", long)];
  await until(async () => /^te_queue_size 2$/m.test(await (await fetch(`${server.url}/metrics`)).text()));
  const refused = await server.post("/embed", long);
  expect([refused.status, await refused.json()]).toEqual([
    429,
    { error: "Model is overloaded", error_type: "Overloaded" },
  ]);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await server.post("/tokenize", long)).status).toBe(429);
  expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(/te_request_failure\{err="overloaded"\} 2/);
  server.release();
  for (const answer of await Promise.all([held, ...waiting])) expect(answer.status).toBe(200);
  for (let round = 0; round < 20; round++) expect((await server.post("/embed", long)).status).toBe(200);
});

test("vectors of tokens count before they are computed, and one request has an end", async () => {
  await using server = await readyStub({ maxQueueBytes: 5_000 });
  const held = server.post("/embed_all", { inputs: [[magic.hold, ...Array<number>(60).fill(7)]] });
  await until(() => server.batches.length === 1);
  const more = { inputs: [Array<number>(64).fill(7)] }; // 64 · 8 numbers
  const second = server.post("/embed_all", more);
  await until(async () => /^te_queue_size 1$/m.test(await (await fetch(`${server.url}/metrics`)).text()));
  expect((await server.post("/embed_all", more)).status).toBe(429);
  server.release();
  expect([(await held).status, (await second).status]).toEqual([200, 200]);
  const wide = await readyStub({
    config: { hidden_size: 65_536, max_position_embeddings: 512 },
    payloadLimit: 2_000_000,
  });
  const most = await wide.post("/embed_all", { inputs: [Array<number>(257).fill(7)] });
  expect([most.status, await most.json()]).toMatchObject([
    422,
    { error: expect.stringContaining("answered with 16842752 numbers, which may be 16777216") as string },
  ]);
  await wide.close();
});

test("an answer is held until it is read, and a client that reads none of it is let go", async () => {
  const app = fastify();
  const room = new QueueRoom(2 ** 30, () => 1);
  boundAnswers(app, room, 500);
  const bytes = 2 ** 26; // more than sockets take
  app.get("/", () => "x".repeat(bytes));
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  const idle = connect(port, "127.0.0.1", () => idle.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
  idle.pause();
  const closed = new Promise((resolve) => idle.once("error", resolve).once("close", resolve));
  await until(() => room.taken === bytes);
  expect((await (await fetch(`http://127.0.0.1:${port}/`)).text()).length).toBe(bytes);
  await until(() => room.taken === 0);
  idle.resume();
  await closed;
  await app.close();
});
