/** Bodies that no honest client sends. Whatever comes, the answer is a 4xx that says why, soon, and the server lives on. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refuseSocket } from "../src/http/refuse-socket.ts";
import { readyStub } from "./stub-server.ts";
import type { StubServer } from "./stub-server.ts";
import { colbertFiles, spladeModules } from "./tiny-model.ts";

let server: StubServer;
/** Models of another kind, by the route that they are for. */
const others: Record<string, StubServer> = {};
beforeAll(async () => {
  const payloadLimit = 20_000;
  server = await readyStub({ payloadLimit });
  others["/embed_sparse"] = await readyStub({ payloadLimit, files: { "modules.json": spladeModules } });
  others["/embed_multi"] = await readyStub({ payloadLimit, files: colbertFiles });
});
afterAll(() => Promise.all([server, ...Object.values(others)].map((each) => each.close())));

/** What the server says to these words before it closes the connection. */
function answerTo(words: string): Promise<string> {
  const { port, hostname } = new URL(server.url);
  return new Promise((resolve) => {
    let heard = "";
    const socket = connect(Number(port), hostname, () => socket.write(words));
    socket.on("data", (data) => (heard += String(data)));
    socket.on("error", () => {});
    socket.on("close", () => resolve(heard));
  });
}

const label = (body: unknown): string => (typeof body === "string" ? body : JSON.stringify(body)).slice(0, 60);

/** On TEI's routes plain text where a request cannot be read, else JSON. */
async function readRefusal(path: string, response: Response): Promise<{ error: string; error_type: string }> {
  const text = await response.text();
  if (!/^(Failed to|Expected request)/.test(text)) return JSON.parse(text) as { error: string; error_type: string };
  expect(path).toMatch(/^\/embed(_all|_sparse)?$/);
  expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  return { error: text, error_type: "Validation" };
}

const routes = [
  "/embed",
  "/embed_all",
  "/embed_sparse",
  "/embed_multi",
  "/embed_chunks",
  "/v1/embeddings",
  "/fill-mask",
  "/pseudo-log-likelihood",
] as const;

describe("exact refusals", () => {
  const deepList = "[".repeat(9_000) + "]".repeat(9_000);
  const refusals: readonly (readonly [path: string, body: unknown, status: number, error: string | RegExp])[] = [
    ["/embed", "{", 400, /^Failed to parse the request body as JSON: /],
    ["/embed", "", 400, /^Failed to parse the request body as JSON: /],
    ["/embed", Uint8Array.of(0x22, 0xff, 0x22), 400, /^Failed to parse the request body as JSON: /],
    ["/embed", "null", 422, /^Failed to deserialize the JSON body into the target type: /],
    ["/embed", [], 422, /^Failed to deserialize the JSON body into the target type: /],
    ["/embed", {}, 422, /: missing field `inputs`$/],
    ["/embed", { inputs: null }, 422, /got null$/],
    ["/embed", { inputs: "" }, 400, "`inputs` cannot be empty"],
    ["/embed", { inputs: [] }, 400, "`inputs` cannot be empty"],
    ["/embed", { inputs: [""] }, 400, "`inputs` cannot be empty"],
    ["/embed", { inputs: [[]] }, 400, "`inputs` cannot be empty"],
    ["/embed", { inputs: ["a", 1] }, 422, /: `inputs\[1\]` should be a string, token ids, or a list of these, got 1$/],
    ["/embed", { inputs: [1, "a"] }, 422, /: `inputs\[1\]` should be a token id, got string$/],
    ["/embed", { inputs: [[1, 1.5]] }, 422, /: `inputs\[0\]\[1\]` should be a token id, got 1.5$/],
    ["/embed", { inputs: [-1] }, 422, /: `inputs\[0\]` should be a token id, got -1$/],
    ["/embed", { inputs: [50368] }, 422, "`inputs[0]` is 50368, but token ids go from 0 to 50367 in this model"],
    ["/embed", '{"inputs":[1e400]}', 422, /token id/],
    [
      "/embed",
      '{"inputs":"\\ud800"}',
      400,
      /^Failed to parse .*`inputs` has a lone surrogate, which is no Unicode text$/,
    ],
    ["/embed", `{"inputs":${deepList}}`, 422, /token id/],
    ["/embed", { inputs: Array(33).fill("a") }, 422, "batch size 33 > maximum allowed batch size 32"],
    ["/embed", { inputs: "a", dimensions: 0 }, 422, "`dimensions` should be positive"],
    [
      "/embed",
      { inputs: "a", dimensions: 9 },
      422,
      "`dimensions` should be smaller than the maximum embedding dimension.",
    ],
    ["/embed", { inputs: "a", normalize: null }, 422, /normalize/],
    ["/embed", { inputs: "a", truncation_direction: "up" }, 422, /truncation_direction/],
    ["/embed", { inputs: "a".repeat(30_000) }, 413, "Failed to buffer the request body: length limit exceeded"],
    ["/fill-mask", { inputs: ["[MASK]", ""] }, 400, "`inputs` cannot be empty"],
    ["/pseudo-log-likelihood", { inputs: [] }, 400, "`inputs` cannot be empty"],
    ["/pseudo-log-likelihood", { inputs: [1] }, 422, /: `inputs` should be a string or a list of strings, got 1$/],
  ];
  const cases = refusals.map((refusal) => [`${refusal[0]} ${label(refusal[1])}`, refusal] as const);

  test.each(cases)("%s", async (_label, [path, body, status, error]) => {
    const response = await server.post(path, body);
    expect(response.status).toBe(status);
    const message = await readRefusal(path, response);
    expect(message.error).toMatch(error);
    expect(message.error_type).toBe(message.error.endsWith("cannot be empty") ? "Empty" : "Validation");
  });

  test("other content types, methods and paths", async () => {
    const headers = { "content-type": "text/plain" };
    expect((await server.post("/embed", '{"inputs":"a"}', { headers })).status).toBe(415);
    expect((await server.post("/nothing", {})).status).toBe(404);
    const get = await fetch(`${server.url}/embed?a`);
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await fetch(`${server.url}/info`, { method: "PUT" })).status).toBe(405);
    const bare = await fetch(`${server.url}/embed`, { method: "POST" });
    expect([bare.status, await bare.text()]).toEqual([415, "Expected request with `Content-Type: application/json`"]);
    expect((await server.post("/v1/nothing", {}).then((response) => response.json())) as unknown).toMatchObject({
      error: { type: "invalid_request_error" },
    });
  });

  test.each([
    ['{"inputs":"a","inputs":"b"}', 422],
    ['{"inputs":"a","in\\u0070uts":"b"}', 422],
    ['{"inputs":"say \\"inputs\\": twice","extra":{"inputs":1,"inputs":[2]}}', 200],
  ])("a key given twice is refused, at the place where it counts: %s", async (body, status) => {
    const answer = await server.post("/embed", body);
    expect(answer.status).toBe(status);
    if (status !== 200) expect(await answer.text()).toContain("duplicate field `inputs`");
  });

  test.each([
    ["/%zz", { error: expect.any(String) as string, error_type: "Validation" }],
    ["/v1/%zz", { error: { type: "invalid_request_error", code: 400 }, type: "Validation" }],
  ])("an address that is none has the shape of other errors: %s", async (path, body) => {
    const answer = await fetch(server.url + path);
    expect([answer.status, await answer.json()]).toMatchObject([400, body]);
  });

  test("unknown fields and prototypes are ignored", async () => {
    const answer = await server.post("/embed", '{"inputs":"a","__proto__":{"normalize":1},"constructor":3,"extra":[]}');
    expect(answer.status).toBe(200);
  });
});

describe("anything at all", () => {
  const allowed = [200, 400, 413, 422, 424];
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("[MASK]", "a [MASK] b", "\ud800"),
  );
  const ids = fc.array(fc.oneof(fc.integer({ min: -5, max: 40_000 }), fc.double(), fc.integer()));
  const inputs = fc.oneof(text, ids, fc.array(text), fc.array(fc.oneof(text, ids, fc.jsonValue())), fc.jsonValue());
  const body = fc.record(
    {
      inputs,
      input: inputs,
      truncate: fc.oneof(fc.boolean(), fc.jsonValue()),
      normalize: fc.oneof(fc.boolean(), fc.jsonValue()),
      truncation_direction: fc.oneof(fc.constantFrom("Left", "right"), fc.jsonValue()),
      prompt_name: fc.jsonValue(),
      dimensions: fc.oneof(fc.integer({ min: -1, max: 10 }), fc.jsonValue()),
      role: fc.oneof(fc.constantFrom("query", "document"), fc.jsonValue()),
      chunks: fc.oneof(
        fc.record({ tokens: fc.integer() }),
        fc.array(fc.tuple(fc.nat(20), fc.integer({ min: -1, max: 40 }))),
        fc.jsonValue(),
      ),
      encoding_format: fc.oneof(fc.constantFrom("float", "base64"), fc.jsonValue()),
      parameters: fc.oneof(
        fc.record({ top_k: fc.oneof(fc.integer({ min: -1, max: 200 }), fc.jsonValue()) }),
        fc.jsonValue(),
      ),
    },
    { requiredKeys: [] },
  );
  const raw = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string(), fc.json());

  test.each(routes)("%s never answers 5xx and never hangs", async (path) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof({ arbitrary: body, weight: 4 }, { arbitrary: raw, weight: 1 }), async (content) => {
        const response = await (others[path] ?? server).post(path, content);
        expect(allowed).toContain(response.status);
        if (response.status === 200) await response.json();
        else expect(await readRefusal(path, response)).toMatchObject({ error: expect.anything() as unknown });
      }),
      { numRuns: 200 },
    );
    expect((await server.post("/embed", { inputs: "still here" })).status).toBe(200);
  });

  test("sockets that say nonsense are closed", async () => {
    const nonsense = [
      "\0\0\0\0\r\n\r\n",
      "POST /embed HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(20_000)}\r\n\r\n`,
    ];
    const heard = await Promise.all(nonsense.map(answerTo));
    expect(heard.map((answer) => answer.slice(9, 12))).toEqual(["400", "400", "431"]);
    for (const answer of heard) {
      expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")))).toEqual({
        error: expect.any(String) as string,
        error_type: "Validation",
      });
    }
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  test("a request that takes too long to arrive is 408, in the shape of other errors", async () => {
    const socket = new PassThrough();
    const late = Object.assign(new Error("late"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
    expect(refuseSocket(late, socket as unknown as Socket)).toMatchObject({ status: 408 });
    const [head, said] = (await socket.toArray()).join("").split("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1\.1 408 /);
    expect(JSON.parse(said!)).toEqual({ error: "the request took too long to arrive", error_type: "Validation" });
  });
});

test("with an API key all but the health checks need it", async () => {
  await using locked = await readyStub({ apiKey: "s3cret" });
  const get = (path: string, key?: string): Promise<Response> =>
    fetch(locked.url + path, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } });
  const refused = await get("/info");
  expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
  expect((await get("/info", "S3cret")).status).toBe(401);
  expect((await get("/nothing")).status).toBe(401);
  expect((await locked.post("/embed", { inputs: "hi" })).status).toBe(401);
  expect((await get("/info", "s3cret")).status).toBe(200);
  expect((await get("/health")).status).toBe(200);
});

describe("much of everything", () => {
  test("large bodies are refused or answered, and nobody else waits long or hears another's answer", async () => {
    await using large = await readyStub({ payloadLimit: 5_000_000, maxBatchTokens: 8192 });
    const expected = await (await large.post("/embed", { inputs: [[7, 8, 9]] })).text();
    const hostile = [
      [`{"inputs":[${Array(1_000_000).fill('""').join(",")}]}`, 422],
      [JSON.stringify({ inputs: "a".repeat(2_000_000) }), 200],
      [JSON.stringify({ inputs: "a".repeat(2_000_000), truncate: false }), 422],
      [`{"inputs":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`, 422],
      [`{"inputs":"x","__proto__":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, 200],
      [JSON.stringify({ inputs: Array.from({ length: 32 }, () => "the river house ".repeat(3000)) }), 200],
    ] as const;
    const alone = Promise.all(
      Array.from({ length: 50 }, async () => (await large.post("/embed", { inputs: [[7, 8, 9]] })).text()),
    );
    for (const [body, status] of hostile) expect((await large.post("/embed", body)).status).toBe(status);
    expect(new Set(await alone)).toEqual(new Set([expected]));
  });

  test("clients that hang up at any moment leave nothing behind", async () => {
    const { port, hostname } = new URL(server.url);
    const body = JSON.stringify({ inputs: "a text" });
    const request = `POST /embed HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    await Promise.all(
      Array.from({ length: request.length / 4 }, async (_, index) => {
        const socket = connect(Number(port), hostname);
        socket.on("error", () => {});
        await new Promise<void>((resolve) => socket.write(request.slice(0, 4 * index + 1), () => resolve()));
        socket.resetAndDestroy();
      }),
    );
    expect((await server.post("/embed", { inputs: "still here" })).status).toBe(200);
  });

  test("floods of headers are refused", async () => {
    const many = Array.from({ length: 5000 }, (_, index) => `x${index}: y`).join("\r\n");
    const heard = await answerTo(`GET /health HTTP/1.1\r\nhost: x\r\n${many}\r\n\r\n`);
    expect(heard.slice(9, 12)).toBe("431");
  });
});
