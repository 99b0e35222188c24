/** Runs on labelled records: from a pretrained folder to a classifier, interrupted and gone on with, and what is refused. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openPipeline, classify } from "@modernbert-ts/pipelines";
import { expect, test } from "vitest";
import { checkConfig } from "../src/config/read-config.ts";
import type { TrainerConfig } from "../src/config/config.ts";
import { runTraining } from "../src/run/run-training.ts";
import { corpusFolder, quiet, temporaryFolder, tinyConfig } from "./support.ts";

const records = Array.from({ length: 40 }, (_, at) => ({
  text: `the ${at % 2 ? "cat" : "dog"} sat on a ${at % 3 ? "big" : "small"} mat`,
  label: at % 2 ? "cat" : "dog",
}));

function writeRecords(folder: string, name: string, lines: readonly object[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return path;
}

function labelledConfig(folder: string, changes: Record<string, unknown> = {}): TrainerConfig {
  return checkConfig(
    {
      objective: "sequence_classification",
      output: join(folder, "labelled"),
      backend: "cpu",
      threads: 1,
      data: { train: [join(folder, "train.jsonl")], validation: [join(folder, "validation.jsonl")], max_length: 32 },
      batch: { micro_batch_tokens: 128, examples: 8 },
      length: "4 epochs",
      optimizer: { learning_rate: 0.01 },
      evaluation: { every: "5 steps" },
      checkpoints: { every: "3 steps" },
      ...changes,
    },
    "test",
  );
}

test("a classifier from a pretrained folder: says what is new, goes on exactly, ends as a folder that answers", async () => {
  const folder = await corpusFolder();
  const shape = { num_hidden_layers: 2, hidden_size: 16, num_attention_heads: 2, intermediate_size: 16 };
  const pretraining = tinyConfig(folder, { model: { ...shape, initializer_range: 0.2 } });
  const { modelFolder: from } = await runTraining(pretraining, quiet);
  writeRecords(folder, "train.jsonl", records);
  writeRecords(folder, "validation.jsonl", records.slice(0, 10));
  const model = { from: from!, attn_out_dropout_prob: 0.1 };
  const notices: string[] = [];
  const options = { ...quiet, onNotice: (line: string) => notices.push(line) };
  const whole = await runTraining(labelledConfig(folder, { model }), options);
  expect(notices.join("\n")).toMatch(/^not in .*, starting from fresh values: classifier\.weight, classifier\.bias$/m);
  expect(whole.step).toBe(20);
  expect(whole.score!.metrics["accuracy"]).toBeGreaterThan(0.9);
  expect(whole.objective.metrics.map(({ name }) => name)).toEqual(["accuracy", "f1", "matthews"]);
  expect(readFileSync(whole.report!, "utf8")).toContain("F1 of dog");
  expect(JSON.parse(readFileSync(join(whole.modelFolder!, "config.json"), "utf8"))).toMatchObject({
    architectures: ["ModernBertForSequenceClassification"],
    id2label: { 0: "cat", 1: "dog" },
    label2id: { cat: 0, dog: 1 },
    problem_type: "single_label_classification",
  });

  const again = labelledConfig(folder, { model, output: join(folder, "again") });
  const stopping = await runTraining(again, {
    ...quiet,
    onStart:
      ({ stop }) =>
      (event) => {
        if (event.kind === "step" && event.step === 7) stop();
      },
  });
  expect(stopping.reason).toBe("stopped");
  const rest = await runTraining(again, { ...quiet, resume: "auto" });
  expect(rest.score).toEqual(whole.score);
  const weights = [whole, rest].map(({ modelFolder }) => readFileSync(join(modelFolder!, "model.safetensors")));
  expect(weights[0]!.equals(weights[1]!)).toBe(true);

  await using pipeline = await openPipeline(whole.modelFolder!, { backend: "cpu" });
  const [answer] = await classify(pipeline, ["the dog sat on a big mat"]);
  expect(JSON.stringify(answer)).toContain("dog");
});

test("a label of the validation data that training does not know is refused with file and line", async () => {
  const folder = temporaryFolder();
  writeRecords(folder, "train.jsonl", records);
  writeRecords(folder, "validation.jsonl", [
    { text: "a", label: "cat" },
    { text: "b", label: "cow" },
  ]);
  await expect(runTraining(labelledConfig(folder), quiet)).rejects.toThrow(
    /expected one of the labels cat, dog, got "cow" at .*validation\.jsonl:2/,
  );
});

test("an unknown field of an objective is refused by the names that there are", () => {
  const data = { train: ["x.jsonl"], fields: { sentence: "text" } };
  expect(() => labelledConfig("x", { data })).toThrow("unknown key data.fields.sentence: expected one of text,");
  expect(() => labelledConfig("x", { data: { path: "x" } })).toThrow("unknown key data.path");
});
