/** BERT through the trainer: pretraining with next sentences, exact continuation, its folder, a plan, and other objectives from that folder. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { classify, fillMask, openPipeline } from "@modernbert-ts/pipelines";
import { expect, test } from "vitest";
import { planCommand } from "../src/commands/plan.ts";
import { createProgram } from "../src/program.ts";
import { runTraining } from "../src/run/run-training.ts";
import { corpusFolder, quiet, stopAfter, tinyConfig } from "./support.ts";

const shape = { num_hidden_layers: 2, hidden_size: 16, num_attention_heads: 2, intermediate_size: 32 };
const model = { preset: "bert-tiny", ...shape, initializer_range: 0.1 };
const recipe = {
  objective: "masked_lm_next_sentence",
  model,
  optimizer: { kind: "adamw", learning_rate: 0.01, weight_decay: 0.01, beta2: 0.999 },
  schedule: { kind: "linear", warmup: "10%" },
};

const read = (path: string, name: string): Buffer => readFileSync(join(path, name));

test("pretrains, goes on exactly, and leaves a folder that loads; a task is trained from it", async () => {
  const folder = await corpusFolder();
  const config = tinyConfig(folder, recipe);
  const whole = await runTraining(config, quiet);
  expect(whole.reason).toBe("finished");
  const json = JSON.parse(read(whole.modelFolder!, "config.json").toString()) as object;
  expect(json).toMatchObject({
    architectures: ["BertForPreTraining"],
    model_type: "bert",
    attention_probs_dropout_prob: 0.1,
    hidden_dropout_prob: 0.1,
  });
  const metrics = read(join(folder, "run"), "metrics.jsonl").toString();
  expect(metrics).toMatch(/"nextSentenceAccuracy":0\.\d/);

  const parted = tinyConfig(folder, { ...recipe, output: join(folder, "parted") });
  await runTraining(parted, stopAfter(4));
  const second = await runTraining(parted, { ...quiet, resume: "auto" });
  expect(read(second.modelFolder!, "model.safetensors")).toEqual(read(whole.modelFolder!, "model.safetensors"));
  expect(second.score).toEqual(whole.score);

  await using pipeline = await openPipeline(whole.modelFolder!, { backend: "cpu", threads: 1 });
  expect((await fillMask(pipeline, ["the [MASK] sat on"]))[0]![0]).toHaveLength(5);

  const records = join(folder, "pairs.jsonl");
  const texts = ["the cat", "a dog", "a mat", "the house"];
  writeFileSync(
    records,
    texts.map((text, at) => JSON.stringify({ text, text_pair: "ran", label: `${at % 2}` })).join("\n"),
  );
  const tuned = await runTraining(
    tinyConfig(folder, {
      objective: "sequence_classification",
      output: join(folder, "tuned"),
      data: { train: [records], max_length: 32 },
      model: { from: whole.modelFolder! },
      batch: { micro_batch_tokens: 64, examples: 4 },
      length: "2 epochs",
      evaluation: {},
      checkpoints: {},
    }),
    quiet,
  );
  await using classifier = await openPipeline(tuned.modelFolder!, { backend: "cpu", threads: 1 });
  expect((await classify(classifier, [["the cat", "ran"]]))[0]).toHaveLength(2);
}, 60_000);

test("the preset finetune goes on from a BERT and drops nothing; what is asked for by BERT's own names wins", async () => {
  const folder = await corpusFolder();
  const { modelFolder } = await runTraining(tinyConfig(folder, { ...recipe, length: "100 tokens" }), quiet);
  const tuned = async (name: string, changes: readonly string[]): Promise<unknown> => {
    const output = join(folder, name);
    const options = ["-o", output, "--backend", "cpu", "--set", "batch.micro_batch_tokens=512", ...changes];
    const args = ["finetune", modelFolder!, "--data", join(folder, "data"), ...options];
    await createProgram().parseAsync(args, { from: "user" });
    return JSON.parse(read(join(output, "model"), "config.json").toString());
  };
  expect(await tuned("plain", [])).toMatchObject({ hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 });
  expect(await tuned("own", ["--set", "model.hidden_dropout_prob=0.2"])).toMatchObject({
    hidden_dropout_prob: 0.2,
    attention_probs_dropout_prob: 0,
  });
}, 60_000);

test("refuses what BERT does not have, and longer texts than it has positions for", async () => {
  const folder = await corpusFolder();
  const run = (changes: object): Promise<unknown> => runTraining(tinyConfig(folder, { ...recipe, ...changes }), quiet);
  await expect(run({ model: { ...model, global_rope_theta: 1e4 } })).rejects.toThrow(
    "model.global_rope_theta: expected none for model_type bert",
  );
  const long = { data: { path: join(folder, "data"), max_length: 600 }, batch: { micro_batch_tokens: 600 } };
  await expect(run(long)).rejects.toThrow("at most the model's max_position_embeddings (512), got 600");
  await expect(run({ model: shape })).rejects.toThrow("expected a model with two token types, such as BERT");
});

test("a plan counts what BERT is", async () => {
  const folder = await corpusFolder();
  const options = { device: "h100", devices: 1, mfu: 0.3 };
  const lines = await planCommand(tinyConfig(folder, { ...recipe, model: { preset: "bert-base" } }), options);
  expect(lines.join("\n")).toMatch(/8\d\.\dM|8\d million|8\d,\d{3},\d{3}/);
});
