/** The route: one object per text on a stub whose answers show which token was masked, and on a real worker what the library says. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPipeline, pseudoLogLikelihood } from "@modernbert-ts/pipelines";
import type { PseudoLogLikelihood } from "@modernbert-ts/pipelines";
import { startServer } from "../src/index.ts";
import { post, readyStub } from "./stub-server.ts";
import type { StubServer } from "./stub-server.ts";
import { makeTinyModel } from "./tiny-model.ts";

const path = "/pseudo-log-likelihood";

describe("on the stub", () => {
  let server: StubServer;
  beforeAll(async () => void (server = await readyStub({ maxConcurrentRequests: 40 })));
  afterAll(() => server.close());

  test("one object per text, in a list, for one text too; each token is a sequence", async () => {
    const response = await server.post(path, { inputs: "hi hi" });
    expect([response.status, await response.json()]).toEqual([
      200,
      [
        {
          pseudo_log_likelihood: -3 / 8,
          num_tokens: 2,
          tokens: [
            { token: 5801, token_str: "hi", log_probability: -1 / 8 },
            { token: 14260, token_str: " hi", log_probability: -2 / 8 },
          ],
        },
      ],
    ]);
    expect(server.batches).toEqual([
      [
        [1, 1, 50281, 5801, 14260, 50282],
        [1, 2, 50281, 5801, 14260, 50282],
      ],
    ]);
    expect(response.headers.get("x-compute-tokens")).toBe("4");
    const two = (await (await server.post(path, { inputs: ["hi", "hi hi [MASK]"] })).json()) as PseudoLogLikelihood[];
    expect(two.map(({ num_tokens }) => num_tokens)).toEqual([1, 2]);
  });

  test.each([
    [{ inputs: ["hi", "[MASK]"] }, "`inputs` needs a token to score, text 1 has only special ones"],
    [{ inputs: "hi ".repeat(70) }, "must have less than 64 tokens"],
    [{ inputs: "hi ".repeat(50) }, "would take more than 40 sequences of the model (--max-concurrent-requests)"],
  ])("refuses %j", async (body, message) => {
    const response = await server.post(path, body);
    expect([response.status, await response.json()]).toEqual([
      422,
      { error: expect.stringContaining(message) as string, error_type: "Validation" },
    ]);
  });

  test("each token takes a place among the inputs in the server", async () => {
    const held = server.post("/embed", { inputs: [[40_004, 1], ...Array.from({ length: 31 }, () => [7])] });
    await expect.poll(() => server.batches.at(-1)?.length).toBe(32);
    // The bulk has half of the 40 places; what the second takes of the others is too much for a third.
    const beside = server.post("/embed", { inputs: Array.from({ length: 18 }, () => [8]) });
    const third = (): Promise<Response> =>
      server.post(path, { inputs: "hi ".repeat(20) }, { signal: AbortSignal.timeout(500) });
    await expect
      .poll(
        () =>
          third().then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 10_000 },
      )
      .toBe(429);
    const fits = server.post(path, { inputs: "hi hi" });
    server.release();
    expect([(await held).status, (await beside).status, (await fits).status]).toEqual([200, 200, 200]);
  });

  test("a model without the head answers 424", async () => {
    await using bare = await readyStub({ config: { architectures: ["ModernBertModel"] } });
    expect((await bare.post(path, { inputs: "hi" })).status).toBe(424);
  });
});

test("a real worker gives what the library gives", async () => {
  const model = await makeTinyModel();
  const server = await startServer({ model, port: 0, threads: 1, logLevel: "silent" });
  try {
    await server.ready;
    const inputs = ["The capital of France is Paris.", "a text"];
    const answers = (await (await post(server.url + path, { inputs })).json()) as PseudoLogLikelihood[];
    await using pipeline = await openPipeline(model, { backend: "cpu", threads: 1 });
    const expected = await pseudoLogLikelihood(pipeline, inputs);
    answers.forEach(({ tokens, pseudo_log_likelihood }, index) => {
      expect(tokens.map(({ token_str }) => token_str).join("")).toBe(inputs[index]);
      expect(pseudo_log_likelihood).toBeCloseTo(expected[index]!.pseudo_log_likelihood, 4);
    });
  } finally {
    await server.close();
  }
});
