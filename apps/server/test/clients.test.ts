/** Clients that people use, as they are, against a server on the stub: what they send is understood, and what they get. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { InferenceClient } from "@huggingface/inference";
import { node22 } from "@modernbert-ts/node22";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readyStub } from "./stub-server.ts";
import type { StubServer } from "./stub-server.ts";

const texts = ["one", "two words"];
let server: StubServer;
let vectors: number[][];

beforeAll(async () => {
  server = await readyStub({ servedModelName: "stub" });
  vectors = (await (await server.post("/embed", { inputs: texts })).json()) as number[][];
});
afterAll(() => server.close());

/** To six digits: base64 gives all of an f32, JSON the fewest that tell it apart. */
const rounded = (rows: readonly (readonly number[])[]): number[][] =>
  rows.map((row) => row.map((value) => Number(value.toFixed(6))));

test("@huggingface/inference at the bare address", async () => {
  const client = new InferenceClient("none", { endpointUrl: server.url });
  const features = (await client.featureExtraction({ inputs: texts })) as number[][];
  expect(rounded(features)).toEqual(rounded(vectors));
  const inputs = { source_sentence: texts[0]!, sentences: texts };
  const [same, other] = await client.sentenceSimilarity({ inputs });
  expect(same).toBeCloseTo(1, 5);
  expect(other).toBeLessThan(0.99);
});

test.skipIf(!node22)(
  "ai with its OpenAI-compatible provider, and @langchain/openai, under Node 22 (npm has it for linux-x64)",
  async () => {
    const script = fileURLToPath(new URL("./clients-node22.mjs", import.meta.url));
    const { stdout } = await promisify(execFile)(node22!, [script, server.url]);
    const { ai, langchain } = JSON.parse(stdout) as Record<"ai" | "langchain", number[][]>;
    expect(rounded(ai)).toEqual(rounded(vectors));
    expect(rounded(langchain)).toEqual(rounded(vectors));
  },
);
