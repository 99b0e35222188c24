/** `pipeline()` in the shapes that transformers.js 4.3.2 documents, and the numbers of the functions behind it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { pipeline } from "../src/index.ts";
import type { PipelineProgress, PipelineTask, TaskPipeline } from "../src/index.ts";
import { saveTinyModel } from "./support/tiny-model.ts";

const fixtures = fileURLToPath(new URL("fixtures/", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "modernbert-front-"));
await saveTinyModel(root);
const opened: AsyncDisposable[] = [];
afterAll(async () => {
  for (const one of opened) await one[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

async function open<T extends PipelineTask>(task: T, model: string): Promise<TaskPipeline<T>> {
  const front = await pipeline(task, model, { device: "cpu" });
  opened.push(front);
  return front;
}

const text = "the cat sat on the mat";

test("feature-extraction: hidden states, pooled vectors, bits", async () => {
  const extract = await open("feature-extraction", `${fixtures}sentence_transformers/base`);
  const variants = JSON.parse(readFileSync(`${fixtures}sentence_transformers/variants.json`, "utf8")) as {
    name: string;
    texts: string[];
    vectors: number[][];
  }[];
  for (const [name, pooling] of [
    ["mode mean", "mean"],
    ["mode cls", "cls"],
    ["mode lasttoken", "last_token"],
  ] as const) {
    const { texts, vectors } = variants.find((variant) => variant.name === name)!;
    const pooled = await extract(texts, { pooling });
    expect([pooled.type, pooled.dims]).toEqual(["float32", [texts.length, 32]]);
    expect(pooled.tolist()).toEqual(
      vectors.map((vector) => vector.map((value) => expect.closeTo(value, 4) as unknown)),
    );
  }
  const states = await extract([text, "a"]);
  const alone = await extract("a");
  const [[, tokens]] = [alone.dims] as [[number, number]];
  expect(states.dims).toEqual([2, states.dims[1], 32]);
  const second = (states.tolist() as number[][][])[1]!;
  expect(second[0]).toEqual(
    (alone.tolist() as number[][][])[0]![0]!.map((value) => expect.closeTo(value, 4) as unknown),
  );
  expect(
    second
      .slice(tokens)
      .flat()
      .every((value) => value === 0),
  ).toBe(true);
  const unit = await extract(text, { pooling: "mean", normalize: true });
  expect(Math.hypot(...(unit.data as Float32Array))).toBeCloseTo(1, 5);
  const unsigned = await extract(text, { pooling: "mean", quantize: true, precision: "ubinary" });
  const signed = await extract(text, { pooling: "mean", quantize: true });
  expect([signed.type, signed.dims, unsigned.type]).toEqual(["int8", [1, 4], "uint8"]);
  expect([...signed.data]).toEqual([...unsigned.data].map((byte) => byte - 128));
  const bits = [...unsigned.data].flatMap((byte) => [...byte.toString(2).padStart(8, "0")].map(Number));
  expect(bits).toEqual([...unit.data].map((value) => (value > 0 ? 1 : 0)));
  await expect(extract(text, { quantize: true })).rejects.toThrow(/expected vectors.*choose a pooling/);
  await expect(extract(text, { pooling: "sum" as "mean" })).rejects.toThrow(/expected pooling none, mean.*got sum/);
});

test("text-classification: the best label, several, all; a sigmoid for one label", async () => {
  const label = await open("sentiment-analysis", `${fixtures}labels/nli`);
  const all = await label(text, { top_k: null });
  expect(all).toHaveLength(3);
  expect((await label(text)).map((one) => one.label)).toEqual([all[0]!.label]);
  const near = all.map((one) => ({ ...one, score: expect.closeTo(one.score, 5) as unknown }));
  expect(await label([text, text])).toEqual([near[0], near[0]]);
  expect(await label([text, text], { top_k: 2 })).toEqual([near.slice(0, 2), near.slice(0, 2)]);
  const [one] = await (await open("text-classification", `${fixtures}labels/reranker`))(text);
  expect(one!.score).toBeLessThan(1);
  await expect(label(text, { topk: 2 } as object)).rejects.toThrow("expected options top_k, got topk");
});

test("token-classification: tokens or groups, with offsets", async () => {
  const entities = await open("ner", `${fixtures}labels/tokens`);
  const raw = await entities(text, { ignore_labels: [] });
  expect(Object.keys(raw[0]!)).toEqual(["entity", "index", "score", "word", "start", "end"]);
  expect(raw.map(({ start, end }) => text.slice(start, end)).join("")).toBe(text);
  const [groups] = await entities([text], { aggregation_strategy: "simple" });
  expect(Object.keys(groups![0]!)).toEqual(["entity_group", "score", "word", "start", "end"]);
});

test("question-answering: an answer, or several", async () => {
  const answer = await open("question-answering", `${fixtures}labels/spans`);
  const options = { doc_stride: 16, max_answer_len: 3 };
  const best = await answer("where", text, options);
  expect(text.slice(best.start, best.end)).toBe(best.answer);
  const again = { ...best, score: expect.closeTo(best.score, 5) as unknown };
  expect(await answer(["where", "where"], [text, text], options)).toEqual([again, again]);
  const three = await answer("where", text, { ...options, top_k: 3 });
  expect([three.length, three[0]]).toEqual([3, again]);
  await expect(answer(["a", "b"], [text], options)).rejects.toThrow("got 2 questions and 1 contexts");
});

test("fill-mask: one mask or all of them", async () => {
  const fill = await open("fill-mask", root);
  const five = await fill("The [MASK] of");
  expect(five).toHaveLength(5);
  expect(Object.keys(five[0]!)).toEqual(["score", "token", "token_str", "sequence"]);
  const [two] = await fill(["The [MASK] of"], { top_k: 2 });
  expect(two!.map(({ token }) => token)).toEqual(five.slice(0, 2).map(({ token }) => token));
  expect(await fill(`The [MASK] of ${"a cat ".repeat(100)}`)).toHaveLength(5); // cut, as texts of all tasks
  const targeted = await fill("The [MASK] of", { targets: [" capital", "a"] });
  expect(targeted.map(({ token_str }) => token_str).toSorted()).toEqual([" capital", "a"]);
  const masks = await fill("[MASK] a [MASK]", { all_masks: true });
  expect(masks.map((predictions) => predictions.length)).toEqual([5, 5]);
  await expect(fill("[MASK] a [MASK]")).rejects.toThrow("expected one mask, got 2 in text 0: ask for all_masks");
  await expect(fill("[MASK]", { targets: "many tokens" })).rejects.toThrow("expected targets of one token");
});

test("zero-shot-classification", async () => {
  const label = await open("zero-shot-classification", `${fixtures}labels/nli`);
  const options = { hypothesis_template: "a {}", multi_label: true };
  const one = await label(text, ["cat", "dog"], options);
  expect([one.sequence, one.labels.toSorted(), one.scores.length]).toEqual([text, ["cat", "dog"], 2]);
  const [again] = await label([text], ["cat", "dog"], options);
  expect([again!.sequence, again!.labels]).toEqual([one.sequence, one.labels]);
});

test("options are done or refused by name", async () => {
  const heard: PipelineProgress[] = [];
  const listen = { progress_callback: (progress: PipelineProgress) => heard.push(progress), local_files_only: true };
  const front = await pipeline("fill-mask", root, { device: "cpu", dtype: "q8", ...listen });
  await front.dispose();
  expect(heard.at(-1)).toEqual({ status: "ready", task: "fill-mask", model: root });
  await expect(pipeline("fill-mask", "no/such-model", listen)).rejects.toThrow(/localFilesOnly/);
  const refused = (options: object): Promise<unknown> => pipeline("fill-mask", root, options);
  await expect(refused({ dtype: "q2" })).rejects.toThrow(/expected dtype to be auto, fp32.*got "q2"/);
  await expect(refused({ device: "dml" })).rejects.toThrow(/expected device to be auto, cpu.*got "dml"/);
  await expect(refused({ cache_dir: "x" })).rejects.toThrow("got cache_dir: leave it out");
  await expect(pipeline("summarization" as "ner", root)).rejects.toThrow('got "summarization"');
  await expect(pipeline("ner", root, { device: "cpu" })).rejects.toThrow(/classifier/);
});
