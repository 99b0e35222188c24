/** Where long texts are tokenised: in threads, whatever asks for it, to the same answers as without. */
import { loadModernBertTokenizer, Tokenizer } from "@modernbert-ts/tokenizer";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { startServer } from "../src/index.ts";
import type { RunningServer } from "../src/index.ts";
import { TokenizerThreads } from "../src/inputs/tokenizer-threads.ts";
import { clientOf } from "./grpc-client.ts";
import { kinds } from "./model-kinds.ts";
import { post } from "./stub-server.ts";

type Kind = keyof typeof kinds;

let server: RunningServer;

beforeAll(async () => {
  const model = await Promise.all(Object.values(kinds).map((make) => make()));
  const options = { servedModelName: Object.keys(kinds), port: 0, grpcPort: 0, threads: 1 } as const;
  server = await startServer({ model, ...options, cpuEngine: "typescript", logLevel: "silent" });
  await server.ready;
}, 120_000);
afterEach(() => vi.restoreAllMocks());
afterAll(() => server.close());

/** From now on threads are asked for nothing: what they would be is made here. Says how often that was. */
async function withoutThreads(): Promise<() => number> {
  const tokenizer = await loadModernBertTokenizer();
  const encode = vi.spyOn(TokenizerThreads.prototype, "encode");
  encode.mockImplementation(async (texts, options) => tokenizer.encodeBatch(texts, options));
  return () => encode.mock.calls.length;
}

/** UTF-16 units that this thread, which serves HTTP, has tokenised since. */
function watched(): () => number {
  const encode = vi.spyOn(Tokenizer.prototype, "encode");
  return () => encode.mock.calls.reduce((sum, [text, options]) => sum + text.length + (options?.pair ?? "").length, 0);
}

/** What prompts and templates may take. */
const few = 200;
const long = "The river house is by the sea. ".repeat(2000);
const part = "the river house ".repeat(500);
const parts = Array<string>(8).fill(part);

const bodies: readonly (readonly [Kind, string, object])[] = [
  ["embedder", "/embed", { inputs: parts }],
  ["embedder", "/embed_all", { inputs: parts }],
  ["embedder", "/v1/embeddings", { input: parts }],
  ["embedder", "/similarity", { inputs: { source_sentence: long, sentences: parts } }],
  ["embedder", "/tokenize", { inputs: parts }],
  ["embedder", "/embed_chunks", { inputs: long }],
  ["embedder", "/fill-mask", { inputs: parts.map((text) => `[MASK] ${text}`) }],
  ["embedder", "/pseudo-log-likelihood", { inputs: parts.slice(0, 7) }],
  ["colbert", "/embed_multi", { inputs: parts, input_type: "query" }],
  ["judge", "/predict", { inputs: [["a", long]] }],
  ["judge", "/zero-shot-classification", { inputs: part, parameters: { candidate_labels: ["a", long] } }],
  ["ranker", "/rerank", { query: "q", texts: parts }],
  ["tagger", "/token-classification", { inputs: parts }],
  ["answerer", "/question-answering", { inputs: { question: "who?", context: `${part}${" ".repeat(45_000)}.` } }],
  ["answerer", "/question-answering", { inputs: { question: long, context: "a" } }],
  ["decider", "/v1/systemone", { state: long, questions: { q: { type: "noul", instructions: "is it so?" } } }],
];

test.each(bodies)("%s %s", async (model, path, body) => {
  const here = watched();
  const ask = async (): Promise<unknown[]> => {
    const response = await post(server.url + path, { model, ...body });
    return [response.status, await response.text()];
  };
  const answer = await ask();
  expect(here()).toBeLessThan(few);
  const asked = await withoutThreads();
  expect(answer).toEqual(await ask());
  expect(asked()).toBeGreaterThan(0);
});

test("Tokenize of gRPC", async () => {
  const here = watched();
  const { Tokenize } = clientOf(server.grpcPort!, "Tokenize");
  const answer = await Tokenize!({ inputs: long, add_special_tokens: true });
  expect(here()).toBeLessThan(few);
  const asked = await withoutThreads();
  expect(answer).toEqual(await Tokenize!({ inputs: long, add_special_tokens: true }));
  expect(asked()).toBeGreaterThan(0);
});
