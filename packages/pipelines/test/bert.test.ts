/**
 * BERT folders in the forms of the hub (all-MiniLM-L6-v2, bge, e5, ms-marco-MiniLM, bert-base) against sentence-transformers, transformers
 * and torch: vectors, pairs with token types, ragged batches; and what cannot be used is refused by name.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createBackend } from "@modernbert-ts/backends";
import { CheckpointError } from "@modernbert-ts/encoder";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import { Runtime } from "@modernbert-ts/tensor-core";
import { afterAll, describe, expect, test } from "vitest";
import {
  answerQuestions,
  classify,
  classifyTokens,
  embed,
  fillMask,
  openTextModel,
  rerank,
  zeroShot,
} from "../src/index.ts";
import type { AnswerOptions, TextModel } from "../src/index.ts";

/** Made by tooling/reference/bert_folders_fixture.py. */
interface Golden {
  readonly texts: readonly string[];
  readonly vectors: Readonly<Record<string, readonly number[][]>>;
  readonly rerank: { readonly query: string; readonly texts: readonly string[] } & Readonly<Record<string, unknown>>;
  readonly masks: readonly { readonly text: string; readonly answers: unknown }[];
  readonly nli: Readonly<Record<string, unknown>>;
  readonly entities: {
    readonly texts: Readonly<Record<string, string>>;
    readonly found: Readonly<Record<string, readonly object[]>>;
  };
  readonly untyped: { readonly tokenizer_config: object; readonly pair: unknown };
  readonly spans: { readonly question: string; readonly cases: readonly SpanCase[] };
}

interface SpanCase {
  readonly context: string;
  readonly options: { top_k?: number; stride?: number; longest?: number; impossible?: boolean; align?: boolean };
  readonly answers: unknown;
}

const fixtures = fileURLToPath(new URL("fixtures/bert/", import.meta.url));
const golden = JSON.parse(readFileSync(`${fixtures}golden.json`, "utf8")) as Golden;
const scratch = mkdtempSync(join(tmpdir(), "bert-"));
const { backend } = await createBackend("cpu", { cpuEngine: "typescript" });
const runtime = new Runtime(backend);
afterAll(async () => {
  await backend[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true });
});

const openAt = (path: string): Promise<TextModel> => openTextModel(diskFolder(path), { runtime });
const open = (name: string): Promise<TextModel> => openAt(fixtures + name);
const nli = await open("nli");

/** A copy of a folder with other fields in one of its files. */
function changed(name: string, file: string, fields: object): string {
  const folder = mkdtempSync(join(scratch, "folder-"));
  cpSync(fixtures + name, folder, { recursive: true });
  const old = JSON.parse(readFileSync(join(folder, file), "utf8")) as object;
  writeFileSync(join(folder, file), JSON.stringify({ ...old, ...fields }));
  return folder;
}

const text = "the cat sat on the mat, a dog (red) ran 12x";
const long = "the cat sat on the mat and the dog sat on the red mat and ran up to a cat";
const twice = `${long} ${long}`;
const pair = [text, "the dog ran"] as const;

/** The same with room for rounding: fractions may differ by 1e-5. */
function near(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(near);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, near(item)]));
  }
  return typeof value === "number" && !Number.isInteger(value) ? expect.closeTo(value, 5) : value;
}

describe("folders", () => {
  test.each(["all-minilm", "bge", "e5"])("%s: vectors", async (name) => {
    const model = await open(name);
    const texts = golden.texts.map((one) => (name === "e5" ? `query: ${one}` : one));
    const vectors = await embed(model, texts, { truncate: true });
    expect(vectors.map((vector) => [...vector])).toEqual(near(golden.vectors[name]));
  });

  test("all-minilm: max_seq_length is less than the model takes", async () => {
    const model = await open("all-minilm");
    expect([model.settings.maxLength, model.info.maxLength]).toEqual([24, 48]);
    await expect(embed(model, [long.repeat(2)])).rejects.toThrow(/at most 24 tokens.*in text 0/);
  });

  test.each(["ms-marco", "ms-marco-old"])("%s: ranks", async (name) => {
    const { query, texts } = golden.rerank;
    expect(await rerank(await open(name), query, texts, { truncate: true })).toEqual(near(golden.rerank[name]));
  });

  test("bert-base: masks are filled with gamma, beta and a decoder that is tied", async () => {
    const model = await open("bert-base");
    const { masks } = golden;
    const texts = masks.map((mask) => mask.text);
    const answers = await fillMask(model, texts, { topK: 3 });
    expect(answers.map(([only]) => only)).toEqual(near(masks.map((mask) => mask.answers)));
  });
});

describe("pairs", () => {
  test("classes of texts and pairs in one pack", async () => {
    const expected = [golden.nli["text"], golden.nli["pair"], golden.nli["pair_cut"]];
    const found = await classify(nli, [text, pair, [twice, twice]], { truncate: true });
    expect(found).toEqual(near(expected));
    expect(await classify(nli, [pair], { functionToApply: "none" })).toEqual([near(golden.nli["pair_none"])]);
  });

  test("types are left out where model_input_names leaves them out", async () => {
    const model = await openAt(changed("nli", "tokenizer_config.json", golden.untyped.tokenizer_config));
    expect(await classify(model, [pair])).toEqual([near(golden.untyped.pair)]);
    expect(golden.untyped.pair).not.toEqual(golden.nli["pair"]);
  });

  test.each([
    ["zero_shot", text, ["cat", "red dog", "mat"], {}],
    ["zero_shot_multi", text, ["cat", "red dog", "mat"], { multiLabel: true, hypothesisTemplate: "a {} ran" }],
    ["zero_shot_cut", twice + twice, ["cat", "red dog", "mat"], {}],
  ])("%s", async (name, premise, labels, options) => {
    const ranked = await zeroShot(nli, [premise], labels, { truncate: true, ...options });
    expect(ranked).toEqual([near(golden.nli[name])]);
  });

  test("spans, in windows too", async () => {
    const model = await open("spans");
    const { question, cases } = golden.spans;
    for (const { context, options, answers } of cases) {
      const ours: AnswerOptions = {
        topK: options.top_k ?? 1,
        docStride: options.stride ?? 24,
        maxAnswerLength: options.longest ?? 15,
        handleImpossibleAnswer: options.impossible ?? false,
        alignToWords: options.align ?? true,
      };
      expect((await answerQuestions(model, [{ question, context }], ours))[0]).toEqual(near(answers));
    }
  });
});

describe("entities of WordPiece", async () => {
  const model = await open("tags");
  const strategies = ["none", "simple", "first", "average", "max"] as const;
  const cases = Object.entries(golden.entities.texts).flatMap(([name, given]) =>
    strategies.map((strategy) => [name, strategy, given] as const),
  );
  test.each(cases)("%s, %s", async (name, aggregationStrategy, given) => {
    const options = { aggregationStrategy, ...(aggregationStrategy === "none" && { ignoreLabels: [] }) };
    expect((await classifyTokens(model, [given], options))[0]).toEqual(
      near(golden.entities.found[`${name} ${aggregationStrategy}`]),
    );
  });
});

describe("refusals", () => {
  test("a text or pair that is too long names the most; truncate cuts it", async () => {
    await expect(classify(nli, [long.repeat(3)])).rejects.toThrow(/at most 48 tokens.*in text 0/);
    await expect(classify(nli, [pair, [twice, twice]])).rejects.toThrow(/at most 48 tokens.*in text 1/);
    expect((await classify(nli, [long.repeat(3)], { truncate: true }))[0]).toHaveLength(3);
  });

  test("a pair where the model has one token type", async () => {
    const one = { ...nli, settings: { ...nli.settings, typeVocabSize: 1 } };
    await expect(classify(one, [text, pair])).rejects.toThrow(
      /below 1 \(the model's type_vocab_size\), got 1 in text 1/,
    );
    expect(await classify(one, [text])).toEqual([near(golden.nli["text"])]);
  });

  test("a classifier of a checkpoint without pooler", async () => {
    const folder = changed("bert-base", "config.json", {});
    const classifier = openTextModel(diskFolder(folder), { runtime, head: "sequence-classification" });
    await expect(classifier).rejects.toThrow(CheckpointError);
    await expect(classifier).rejects.toThrow(/classifier/);
  });
});
