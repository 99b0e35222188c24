/** Embeddings, masks and classes of a tiny random model: against the definition, and independent of how texts are packed. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { maskedLmLogits, packSequences } from "@modernbert-ts/modernbert";
import { Runtime } from "@modernbert-ts/tensor-core";
import {
  classify,
  embed,
  embedSequences,
  fillMask,
  fillMaskSequences,
  openPipeline,
  targetTokens,
} from "../src/index.ts";
import type { MaskPrediction, Pipeline, PipelineOptions } from "../src/index.ts";
import { saveTinyModel } from "./support/tiny-model.ts";
import type { TinyModelOptions } from "./support/tiny-model.ts";

const root = mkdtempSync(join(tmpdir(), "modernbert-pipelines-"));
const open: Pipeline[] = [];
afterAll(async () => {
  for (const pipeline of open) await pipeline[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

let count = 0;
async function tiny(
  model: TinyModelOptions = {},
  options: PipelineOptions = {},
  prepare?: (folder: string) => void,
): Promise<Pipeline> {
  const folder = join(root, String(count++));
  await saveTinyModel(folder, model);
  prepare?.(folder);
  const pipeline = await openPipeline(folder, { backend: "cpu", cpuEngine: "typescript", ...options });
  open.push(pipeline);
  return pipeline;
}

const texts = ["The capital of France is Paris.", "a", "in the capital of the capital", "Größe, 長さ 👩‍👧"];

function write(folder: string, name: string, value: unknown): void {
  writeFileSync(join(folder, name), JSON.stringify(value));
}

describe("embed", async () => {
  const pipeline = await tiny();
  const reference = async (text: string): Promise<Float32Array[]> => {
    const hidden = pipeline.runtime.scope(() =>
      pipeline.model.encode(packSequences([pipeline.tokenizer.encode(text).ids])),
    );
    const values = (await hidden.read()) as Float32Array;
    hidden.dispose();
    return Array.from({ length: values.length / 32 }, (_, at) => values.slice(at * 32, (at + 1) * 32));
  };

  test("cls is the first token's state, mean the mean over tokens", async () => {
    await embed(pipeline, texts); // the rotary tables stay
    const live = pipeline.runtime.backend.memory().liveBuffers;
    const [cls, mean] = [
      await embed(pipeline, texts, { pooling: "cls" }),
      await embed(pipeline, texts, { pooling: "mean" }),
    ];
    for (const [at, text] of texts.entries()) {
      const states = await reference(text);
      const average = states[0]!.map((_, i) => states.reduce((sum, state) => sum + state[i]!, 0) / states.length);
      expect(Math.max(...cls[at]!.map((value, i) => Math.abs(value - states[0]![i]!)))).toBeLessThan(1e-5);
      expect(Math.max(...mean[at]!.map((value, i) => Math.abs(value - average[i]!)))).toBeLessThan(1e-5);
    }
    expect(pipeline.runtime.backend.memory().liveBuffers).toBe(live);
  });

  test("how texts are packed changes nothing", async () => {
    const together = await embed(pipeline, texts);
    const alone = await embed(pipeline, texts, { maxTokensPerPack: 1 });
    together.forEach((vector, at) => {
      expect(Math.max(...vector.map((value, i) => Math.abs(value - alone[at]![i]!)))).toBeLessThan(1e-5);
    });
  });

  test("normalize gives length 1", async () => {
    for (const vector of await embed(pipeline, texts, { normalize: true })) {
      expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
    }
  });

  test.each([
    ["pooling_mode_cls_token", "cls"],
    ["pooling_mode_mean_tokens", "mean"],
    ["pooling_mode_max_tokens", "max"],
  ])("1_Pooling with %s means %s", async (mode, pooling) => {
    const config = { classifier_pooling: pooling === "cls" ? "mean" : "cls" };
    const other = await tiny({ config }, {}, (folder) => {
      mkdirSync(join(folder, "1_Pooling"));
      writeFileSync(
        join(folder, "1_Pooling", "config.json"),
        JSON.stringify({ word_embedding_dimension: 32, [mode]: true }),
      );
    });
    expect(other.settings.embedding.poolingModes).toEqual([pooling]);
  });

  test("what the folder says is followed: lower case, Normalize, truncate_dim, a default prompt, the length", async () => {
    const other = await tiny({}, {}, (folder) => {
      write(folder, "sentence_bert_config.json", { max_seq_length: 6, do_lower_case: true });
      write(folder, "config_sentence_transformers.json", {
        prompts: { q: "Q: " },
        default_prompt_name: "q",
        truncate_dim: 8,
      });
      const type = "sentence_transformers.models";
      write(folder, "modules.json", [
        { type: `${type}.Transformer`, path: "" },
        { type: `${type}.Pooling`, path: "pool" },
        { type: `${type}.Normalize`, path: "norm" },
      ]);
      mkdirSync(join(folder, "pool"));
      write(folder, "pool/config.json", { pooling_mode: "mean" });
    });
    const [found] = await embed(other, ["The CAT sat on it"], { truncate: true });
    const ids = pipeline.tokenizer.encode("q: the cat sat on it", { truncation: { maxLength: 6 } }).ids;
    const [whole] = await embedSequences(pipeline, [ids], { pooling: "mean", normalize: true });
    expect([...found!]).toEqual([...whole!.subarray(0, 8)]);
    await expect(embed(other, ["The CAT sat on it"])).rejects.toThrow(/at most 6 tokens/);
  });

  test("an empty text and one that is too long are errors that name it; truncate cuts", async () => {
    await expect(embed(pipeline, ["a", ""])).rejects.toThrow(/^\[embed\] expected text, got nothing in text 1/);
    const long = "x y ".repeat(100);
    await expect(embed(pipeline, [long], { nameOf: () => "line 7" })).rejects.toThrow(/at most 64 tokens.*in line 7/);
    expect(await embed(pipeline, [long], { truncate: true })).toHaveLength(1);
  });

  test("padding and truncation in tokenizer.json do not count", async () => {
    const { ids } = pipeline.tokenizer.encode("a");
    const padded = pipeline.tokenizer.encode("a", { padding: { length: 32 } });
    expect(padded.ids).toHaveLength(32);
    const [expected] = await embedSequences(pipeline, [ids]);
    expect((await embed(pipeline, ["a"]))[0]).toEqual(expected);
  });

  test("NaN is an error, not null in JSON", async () => {
    const broken = await tiny();
    const norm = broken.model.parameter("model.final_norm.weight");
    broken.runtime.write(norm, new Float32Array(32).fill(Number.NaN));
    await expect(embed(broken, ["a"])).rejects.toThrow(/NaN or infinity.*damaged/);
    await expect(fillMask(broken, ["[MASK]"])).rejects.toThrow(/NaN or infinity/);
  });
});

describe("fillMask", async () => {
  const pipeline = await tiny();

  test("is the softmax of the logits at each mask, best first", async () => {
    const text = "The [MASK] of France [MASK] Paris.";
    const { ids } = pipeline.tokenizer.encode(text);
    const positions = Int32Array.from(
      [...ids.keys()].filter((at) => ids[at] === pipeline.tokenizer.specialTokens.mask),
    );
    const logits = pipeline.runtime.scope(() =>
      maskedLmLogits(pipeline.model, pipeline.model.encode(packSequences([ids])), positions),
    );
    const values = (await logits.read()) as Float32Array;
    logits.dispose();
    const [masks] = await fillMask(pipeline, [text], { topK: 300 });
    expect(masks).toHaveLength(2);
    masks!.forEach((predictions, row) => {
      const exponentials = Array.from(values.subarray(row * 300, (row + 1) * 300), Math.exp);
      const total = exponentials.reduce((sum, value) => sum + value, 0);
      expect(predictions).toHaveLength(300);
      for (const { token, score } of predictions) expect(score).toBeCloseTo(exponentials[token]! / total, 9);
      expect(predictions.every(({ score }, at) => at === 0 || score <= predictions[at - 1]!.score)).toBe(true);
    });
  });

  test("a prediction stands in its mask's place, the other masks stay, and the special tokens beside them", async () => {
    const [masks] = await fillMask(pipeline, ["a [MASK] b [MASK]"], { topK: 1 });
    const [first, second] = masks!.map(([best]) => best!) as [MaskPrediction, MaskPrediction];
    expect(first.sequence).toBe(`[CLS]a${first.token_str} b[MASK][SEP]`);
    expect(second.sequence).toBe(`[CLS]a[MASK] b${second.token_str}[SEP]`);
  });

  test("`targets` keep the scores that they have among all tokens", async () => {
    const [[all]] = (await fillMask(pipeline, ["a [MASK]"], { topK: 300 })) as [[MaskPrediction[]]];
    const [first, last] = [all[7]!, all[200]!];
    const targets = [last.token, first.token, last.token];
    expect(await fillMask(pipeline, ["a [MASK]"], { targets })).toEqual([[[first, last]]]);
    expect(targetTokens(pipeline, ["a"])).toEqual([pipeline.tokenizer.tokenToId("a")]);
    expect(() => targetTokens(pipeline, ["many tokens of text"])).toThrow("expected targets of one token of the model");
  });

  test("more masks than are held at once", async () => {
    const long = await tiny({ config: { max_position_embeddings: 256 } });
    const sequence = long.tokenizer.encode("[MASK] ".repeat(150)).ids;
    const [all, none] = await fillMaskSequences(long, [sequence, Int32Array.of(2, 9, 3)], { topK: 2 });
    const masks = [...sequence.keys()].filter((at) => sequence[at] === long.tokenizer.specialTokens.mask);
    expect(all).toHaveLength(masks.length);
    expect(none).toEqual([]);
    const [alone] = await fillMaskSequences(long, [sequence], { topK: 2 });
    expect(alone).toEqual(all);
    expect(new Set(all!.map(([best]) => best!.score)).size).toBeGreaterThan(100);
  });

  test("a text without a mask is an error", async () => {
    await expect(fillMask(pipeline, ["[MASK]", "none"])).rejects.toThrow(/expected \[MASK\].*got none in text 1/);
  });

  test("another head is an error", async () => {
    const encoder = await tiny({}, { head: "none" });
    await expect(fillMask(encoder, ["[MASK]"])).rejects.toThrow(
      /expected a model with head masked-lm or pretraining, got one with head none/,
    );
    await expect(classify(encoder, ["a"])).rejects.toThrow(/expected a model with head sequence-classification/);
  });
});

describe("classify", () => {
  const labels = { id2label: { 0: "bad", 1: "fair", 2: "good" } };
  const head = "sequence-classification";
  test("single label: probabilities that sum to 1, best first", async () => {
    const [scores] = await classify(await tiny({ head, config: labels }), ["The capital"]);
    expect(scores!.map(({ label }) => label).toSorted()).toEqual(["bad", "fair", "good"]);
    expect(scores!.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 6);
    expect(scores![0]!.score).toBeGreaterThan(scores![2]!.score);
  });
  test("multi label: sigmoids of the same logits", async () => {
    const single = await classify(await tiny({ head, config: labels }), ["The capital"]);
    const problem_type = "multi_label_classification";
    const multi = await classify(await tiny({ head, config: { ...labels, problem_type } }), ["The capital"]);
    const odds = multi[0]!.map(({ score }) => score / (1 - score)); // exp(logit)
    const total = odds.reduce((sum, value) => sum + value, 0);
    multi[0]!.forEach(({ label }, at) => {
      expect(odds[at]! / total).toBeCloseTo(single[0]!.find((other) => other.label === label)!.score, 5);
    });
  });
  test("regression: the value as it is; one label otherwise: a sigmoid", async () => {
    const config = { id2label: { 0: "stars" } };
    const [value] = await classify(await tiny({ head, config: { ...config, problem_type: "regression" } }), ["a"]);
    const [sigmoid] = await classify(await tiny({ head, config }), ["a"]);
    expect(sigmoid![0]!.score).toBeCloseTo(1 / (1 + Math.exp(-value![0]!.score)), 6);
  });
});

test("auto says what it took; a dtype that nothing computes in is refused", async () => {
  const notices: string[] = [];
  const { runtime } = await tiny({}, { backend: "auto", onNotice: (notice) => notices.push(notice) });
  expect(runtime).toBeInstanceOf(Runtime);
  expect(notices[0]).toMatch(/engine.*cuda/);
  const precision = { params: "f32", compute: "int4" as "f16", reduce: "f32" } as const; // what a backend to come may lack
  await expect(tiny({}, { precision })).rejects.toThrow(/expected one that cpu computes in \(.*f32.*\), got int4/);
});
