/** Runs of another objective than the first, and in 16 bits. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createBackend } from "@modernbert-ts/backends";
import { expect, test } from "vitest";
import { evaluateModel } from "../src/commands/evaluate.ts";
import { runTraining } from "../src/run/run-training.ts";
import { corpusFolder, quiet, stopAfter, tinyConfig } from "./support.ts";

test("a run of another objective ends with a model with its head and labels, and shows its numbers", async () => {
  const folder = await corpusFolder();
  const config = tinyConfig(folder, { objective: "random_token_detection", replacing: { share: 0.3 } });
  const result = await runTraining(config, quiet);
  expect(JSON.parse(readFileSync(join(result.modelFolder!, "config.json"), "utf8"))).toMatchObject({
    architectures: ["ModernBertForTokenClassification"],
    id2label: { 0: "original", 1: "replaced" },
  });
  expect(readFileSync(result.report!, "utf8")).toContain("Held-out detection accuracy");
  const onward = { output: join(folder, "second"), model: { from: result.modelFolder! } };
  await expect(runTraining(tinyConfig(folder, onward), quiet)).rejects.toThrow(/decoder/);
});

test("replaced-token detection: what it was stopped in goes on exactly, and its checkpoint scores as the run did", async () => {
  const folder = await corpusFolder();
  const changes = {
    objective: "replaced_token_detection",
    length: "600 tokens",
    detection: { generator: "disentangled" },
  };
  const whole = tinyConfig(folder, { ...changes, output: join(folder, "whole") });
  const expected = await runTraining(whole, quiet);
  const config = tinyConfig(folder, changes);
  await runTraining(config, stopAfter(2));
  const result = await runTraining(config, { ...quiet, resume: "auto" });
  expect(result.score).toEqual(expected.score);
  expect(Object.keys(result.score!.metrics)).toEqual([
    "generatorLoss",
    "generatorAccuracy",
    "detectionLoss",
    "detectionAccuracy",
    "replacedRecall",
    "replacedPrecision",
  ]);
  const { score } = await evaluateModel(config, result.modelFolder!, () => undefined);
  expect(score).toEqual(expected.score);
  const other = tinyConfig(folder, { ...changes, detection: { generator: "separate", generator_layers: 1 } });
  await expect(evaluateModel(other, result.modelFolder!, () => undefined)).rejects.toThrow(
    /expected generator\.model\.layers\.1\..* it was not trained with these settings/,
  );
});

test("a run of another objective goes on from a masked LM, and from its own checkpoints only", async () => {
  const folder = await corpusFolder();
  const first = await runTraining(tinyConfig(folder), quiet);
  const notices: string[] = [];
  const other = { objective: "random_token_detection", model: { from: first.modelFolder! } };
  const config = tinyConfig(folder, { ...other, output: join(folder, "second") });
  await runTraining(config, { ...quiet, onNotice: (line) => notices.push(line) });
  expect(notices.join("\n")).toMatch(/^not in .*, starting from fresh values: classifier\.weight, classifier\.bias$/m);
  const checkpoints = join(folder, "run", "checkpoints");
  const before = readdirSync(checkpoints);
  const resume = join(checkpoints, before.sort()[0]!);
  await expect(runTraining(tinyConfig(folder, other), { ...quiet, resume })).rejects.toThrow(
    /step-\d+ was trained for masked_lm, not random_token_detection: set objective back/,
  );
  expect(readdirSync(checkpoints)).toEqual(before);
});

test.each(["bf16", "f16"] as const)(
  "a run in %s trains near f32, keeps f32 parameters, says what it costs here, and goes on",
  async (dtype) => {
    const folder = await corpusFolder();
    const notices: string[] = [];
    const options = { ...quiet, onNotice: (line: string) => notices.push(line) };
    const exact = await runTraining(tinyConfig(folder, { output: join(folder, "exact") }), quiet);
    const config = tinyConfig(folder, { dtype });
    const { score, modelFolder } = await runTraining(config, options);
    expect(score!.loss).toBeCloseTo(exact.score!.loss, 1);
    const { backend } = await createBackend("cpu");
    await using owned = backend;
    const slow = notices.includes(`cpu has no fast ${dtype}: f32 is quicker here`);
    expect(slow).toBe(!owned.capabilities.accelerated.includes(dtype));
    expect(JSON.parse(readFileSync(join(modelFolder!, "config.json"), "utf8"))).toMatchObject({
      torch_dtype: "float32",
    });
    const again = await runTraining(tinyConfig(folder, { dtype: "f32" }), { ...options, resume: "auto" }).catch(
      (error: unknown) => error,
    );
    expect(again).not.toBeInstanceOf(Error);
    expect(notices).toContain(`dtype changed: "${dtype}" in the checkpoint, "f32" now`);
  },
);
