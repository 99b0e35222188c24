/** Classes of texts and pairs, rankings, entities, answers and labels against transformers and sentence-transformers on small models. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import { createBackend } from "@modernbert-ts/backends";
import { Runtime } from "@modernbert-ts/tensor-core";
import { afterAll, describe, expect, test } from "vitest";
import { answerQuestions, classify, classifyTokens, openTextModel, rerank, zeroShot } from "../src/index.ts";
import type { Aggregation, AnswerOptions, Entity, TextModel } from "../src/index.ts";

interface Golden {
  readonly nli: Readonly<Record<string, unknown>>;
  readonly rerank: { readonly texts: string[]; readonly sigmoid: unknown; readonly identity: unknown };
  readonly tokens: Readonly<Record<string, Entity[]>>;
  readonly spans: { readonly question: string; readonly cases: SpanCase[] };
}

interface SpanCase {
  readonly name: string;
  readonly context: string;
  readonly options: { top_k?: number; stride?: number; longest?: number; impossible?: boolean; align?: boolean };
  readonly answers: unknown;
}

const fixtures = fileURLToPath(new URL("fixtures/labels/", import.meta.url));
const golden = JSON.parse(readFileSync(`${fixtures}golden.json`, "utf8")) as Golden;
const { backend } = await createBackend("cpu", { cpuEngine: "typescript" });
const runtime = new Runtime(backend);
afterAll(() => backend[Symbol.asyncDispose]());

const open = (name: string): Promise<TextModel> => openTextModel(diskFolder(fixtures + name), { runtime });
const [nli, reranker, tokens, spans] = (await Promise.all(["nli", "reranker", "tokens", "spans"].map(open))) as [
  TextModel,
  TextModel,
  TextModel,
  TextModel,
];

const text = "the cat sat on the mat, a dog (red) ran 12x";
const wide = "😀 the cat é sat";
const long = "the cat sat on the mat and the dog sat on the red mat and ran up to a cat";

/** The same with room for rounding: fractions may differ by 1e-5. */
function near(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(near);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, near(item)]));
  }
  return typeof value === "number" && !Number.isInteger(value) ? expect.closeTo(value, 5) : value;
}

describe("classify", () => {
  const pair = [text, "the dog ran"] as const;
  test.each([
    ["text", text, {}],
    ["pair", pair, {}],
    ["pair_cut", [long, long] as const, { truncate: true }],
    ["pair_sigmoid", pair, { functionToApply: "sigmoid", topK: 2 }],
    ["pair_none", pair, { functionToApply: "none" }],
  ] as const)("%s", async (name, input, options) => {
    expect(await classify(nli, [input], options)).toEqual([near(golden.nli[name])]);
  });

  test("a pair that is too long or has an empty text is an error", async () => {
    await expect(classify(nli, [pair, [long, long]])).rejects.toThrow(/at most 48 tokens.*in text 1/);
    await expect(classify(nli, [["a", ""]])).rejects.toThrow("expected text, got nothing in text 0");
  });
});

describe("zeroShot", () => {
  const labels = ["cat", "red dog", "mat"];
  test.each([
    ["zero_shot", text, labels, {}],
    ["zero_shot_multi", text, labels, { multiLabel: true, hypothesisTemplate: "a {} ran" }],
    ["zero_shot_one", text, ["cat"], {}],
    ["zero_shot_cut", long + long, labels, {}],
  ])("%s", async (name, premise, candidates, options) => {
    const ranked = await zeroShot(nli, [premise], candidates, { truncate: true, ...options });
    expect(ranked).toEqual([near(golden.nli[name])]);
  });

  test("labels, template and model are checked", async () => {
    await expect(zeroShot(nli, [text], [])).rejects.toThrow("expected labels for text 0, got none");
    await expect(zeroShot(nli, [text], ["a"], { hypothesisTemplate: "no" })).rejects.toThrow(/expected \{\} in the/);
    await expect(zeroShot(reranker, [text], ["a"])).rejects.toThrow(/"entailment" and another, got relevance/);
    await expect(zeroShot(nli, [long], ["a"])).rejects.toThrow("expected at most 48 tokens");
  });
});

describe("rerank", () => {
  const query = "where is the cat";
  const { texts } = golden.rerank;

  test("is CrossEncoder.rank: a sigmoid, or the activation that the folder names", async () => {
    expect(await rerank(reranker, query, texts, { truncate: true })).toEqual(near(golden.rerank.sigmoid));
    const raw = await rerank(reranker, query, texts, { truncate: true, rawScores: true });
    expect(raw).toEqual(near(golden.rerank.identity));
    const named = (activation: string): TextModel => ({ ...reranker, settings: { ...reranker.settings, activation } });
    const identity = named("torch.nn.modules.linear.Identity");
    expect(await rerank(identity, query, texts, { truncate: true })).toEqual(raw);
    await expect(rerank(named("torch.nn.Tanh"), query, texts)).rejects.toThrow(/activation_fn.*got "torch.nn.Tanh"/);
  });

  test("topN, texts, none, and what cannot be ranked", async () => {
    const [best, ...rest] = await rerank(reranker, query, texts, { truncate: true, topN: 1, returnTexts: true });
    expect([best!.text, rest]).toEqual([texts[best!.index], []]);
    expect(await rerank(reranker, query, [])).toEqual([]);
    await expect(rerank(reranker, query, ["a", ""])).rejects.toThrow("nothing in the query with text 1 of the input");
    await expect(rerank(nli, query, texts)).rejects.toThrow("expected a model with one label, got 3");
  });
});

async function found(input: string, options: Parameters<typeof classifyTokens>[2]): Promise<readonly Entity[]> {
  return (await classifyTokens(tokens, [input], options))[0]!;
}

describe("classifyTokens", () => {
  const strategies: readonly Aggregation[] = ["none", "simple", "first", "average", "max"];
  test.each(strategies)("%s, in UTF-16 units", async (aggregationStrategy) => {
    const options = { aggregationStrategy, ...(aggregationStrategy === "none" && { ignoreLabels: [] }) };
    expect(await found(text, options)).toEqual(near(golden.tokens[`text ${aggregationStrategy}`]));
    // transformers decodes the bytes of words twice, which spoils letters beyond ASCII.
    const spoilt = !["none", "simple"].includes(aggregationStrategy);
    const expected = golden.tokens[`wide ${aggregationStrategy}`]!;
    const words = spoilt ? expected.map((entity) => ({ ...entity, word: expect.any(String) as unknown })) : expected;
    const wideFound = await found(wide, options);
    expect(wideFound).toEqual(words.map((entity) => ({ ...entity, score: near(entity.score) })));
    if (spoilt) expect(wideFound.at(-1)!.word).toBe(wide.slice(wideFound.at(-1)!.start));
  });

  test("ignored labels", async () => {
    const options = { aggregationStrategy: "first", ignoreLabels: ["O", "PER"] } as const;
    expect(await found(text, options)).toEqual(near(golden.tokens["without PER"]));
  });

  test.each(["simple", "average"] as const)("windows of a long text, %s", async (aggregationStrategy) => {
    const options = { aggregationStrategy, stride: 10, maxTokensPerPack: 100 };
    expect(await found(`${long}, ${long}`, options)).toEqual(near(golden.tokens[`stride ${aggregationStrategy}`]));
  });

  test("each word of given ones gets a label", async () => {
    const words = ["the", "mat,", "12x", "(red)"];
    const options = { aggregationStrategy: "first", perWord: true, ignoreLabels: [] } as const;
    const [labelled] = await classifyTokens(tokens, [{ words }], options);
    expect(labelled!.map(({ word }) => word.trim())).toEqual(words);
    const each = await found(words.join(" "), { ignoreLabels: [] });
    const firsts = labelled!.map(({ index }) => each.find((token) => token.index === index)!.entity);
    expect(labelled!.map(({ entity }) => entity)).toEqual(firsts);
  });

  test("a pair: entities say whose offsets they have", async () => {
    const [both] = await classifyTokens(tokens, [["the cat", "a dog ran"]], { ignoreLabels: [] });
    expect(both!.map(({ text_index }) => text_index)).toEqual(both!.map((_, at) => (at < 2 ? 0 : 1)));
    const second = both!.filter(({ text_index }) => text_index === 1);
    expect(second.map(({ start, end }) => "a dog ran".slice(start, end)).join("")).toBe("a dog ran");
  });

  test("options that do not go together, and texts that are too long", async () => {
    await expect(found(long, { stride: 4 })).rejects.toThrow(/other than none with stride, got .*none/);
    await expect(found(text, { perWord: true })).rejects.toThrow("first, average or max with perWord");
    await expect(found(text, { stride: 46, aggregationStrategy: "max" })).rejects.toThrow("a stride from 0 to 45");
    await expect(found(`${long} ${long}`, {})).rejects.toThrow("expected at most 48 tokens");
  });
});

describe("answerQuestions", () => {
  const { question, cases } = golden.spans;

  test.each(cases.map((one) => [one.name, one] as const))("%s", async (_, { context, options, answers }) => {
    const ours: AnswerOptions = {
      topK: options.top_k ?? 1,
      docStride: options.stride ?? 24,
      maxAnswerLength: options.longest ?? 15,
      handleImpossibleAnswer: options.impossible ?? false,
      alignToWords: options.align ?? true,
    };
    const [best] = await answerQuestions(spans, [{ question, context }], ours);
    expect(best).toEqual(near(answers));
    for (const { start, end, answer } of best!) expect(context.slice(start, end)).toBe(answer);
  });

  test("a question without room for its context is an error", async () => {
    await expect(answerQuestions(spans, [{ question: long, context: text }])).rejects.toThrow(/got a question of/);
    await expect(answerQuestions(spans, [{ question: "", context: text }])).rejects.toThrow("got nothing in text 0");
  });
});
