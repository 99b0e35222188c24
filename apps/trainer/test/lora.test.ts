/** Runs with LoRA: an adapter and the model with it folded in, gone on with exactly; and what an adapter cannot be. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { modernbertKind } from "@modernbert-ts/modernbert";
import { readConfig as readModelConfig } from "@modernbert-ts/modernbert/node";
import { expect, test } from "vitest";
import { evaluateModel } from "../src/commands/evaluate.ts";
import type { TrainerConfig } from "../src/config/config.ts";
import { checkConfig } from "../src/config/read-config.ts";
import { estimatePhase } from "../src/estimate/estimate.ts";
import { createProgram } from "../src/program.ts";
import { runTraining } from "../src/run/run-training.ts";
import { corpusFolder, quiet, stopAfter, temporaryFolder, tinyConfig } from "./support.ts";

const records = Array.from({ length: 40 }, (_, at) => ({
  text: `the ${at % 2 ? "cat" : "dog"} sat on a ${at % 3 ? "big" : "small"} mat`,
  label: at % 2 ? "cat" : "dog",
}));

function lines(some: readonly object[]): string {
  return some.map((record) => `${JSON.stringify(record)}\n`).join("");
}

/** A pretrained model, and records to train on. */
async function pretrained(): Promise<{ readonly folder: string; readonly from: string }> {
  const folder = await corpusFolder();
  const shape = { num_hidden_layers: 2, hidden_size: 16, num_attention_heads: 2, intermediate_size: 16 };
  const model = { ...shape, initializer_range: 0.2 };
  const { modelFolder } = await runTraining(tinyConfig(folder, { model, length: "300 tokens" }), quiet);
  writeFileSync(join(folder, "train.jsonl"), lines(records));
  writeFileSync(join(folder, "validation.jsonl"), lines(records.slice(0, 10)));
  return { folder, from: modelFolder! };
}

function loraConfig(folder: string, from: string | undefined, changes: Record<string, unknown> = {}): TrainerConfig {
  return checkConfig(
    {
      objective: "sequence_classification",
      output: join(folder, "whole"),
      backend: "cpu",
      threads: 1,
      data: { train: [join(folder, "train.jsonl")], validation: [join(folder, "validation.jsonl")], max_length: 32 },
      model: from === undefined ? {} : { from },
      lora: { rank: 2, alpha: 8 },
      batch: { micro_batch_tokens: 128, examples: 8 },
      length: "2 epochs",
      optimizer: { learning_rate: 0.02, ema_decay: 0.5 },
      evaluation: { every: "5 steps" },
      checkpoints: { every: "3 steps" },
      ...changes,
    },
    "test",
  );
}

const run = (...words: string[]): Promise<unknown> => createProgram().parseAsync(words, { from: "user" });
const weights = (folder: string, file = "model.safetensors"): Buffer => readFileSync(join(folder, file));

/** Of the tensors in a file of safetensors. */
function namesIn(bytes: Buffer): string[] {
  const header = bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString();
  return Object.keys(JSON.parse(header) as object).filter((name) => name !== "__metadata__");
}

/** Of its tensors, without the header. */
function bytesIn(bytes: Buffer): number {
  return bytes.length - 8 - Number(bytes.readBigUInt64LE(0));
}

test("learns an adapter, goes on with it exactly, leaves it and the model with it folded in", async () => {
  const { folder, from } = await pretrained();
  const notices: string[] = [];
  const config = loraConfig(folder, from);
  const whole = await runTraining(config, { ...quiet, onNotice: (line) => notices.push(line) });
  expect(notices.join("\n")).toMatch(/^LoRA: \d+ parameters are trained, \d+ are in /m);
  expect(whole.averaged).toBe(true);
  const adapter = join(folder, "whole/adapter");
  const saved = weights(adapter, "adapter_model.safetensors");
  const names = namesIn(saved);
  expect(names).toContain("base_model.model.model.layers.1.mlp.Wo.lora_B.weight");
  expect(names.filter((name) => !name.includes(".lora_"))).toEqual([
    "base_model.model.head.dense.weight",
    "base_model.model.head.norm.weight",
    "base_model.model.classifier.weight",
    "base_model.model.classifier.bias",
  ]);
  const moments = namesIn(weights(whole.checkpoint!, "optimizer.safetensors"));
  expect(moments.filter((name) => name.startsWith("exp_avg."))).toHaveLength(names.length);

  // A plan counts what the run holds and writes.
  const { config: shape } = await readModelConfig(whole.modelFolder!);
  const device = { devices: 1, flops: 1e12, memory: 1e9, mfu: 0.5 };
  const planned = estimatePhase(config, { kind: modernbertKind, config: shape }, device, {
    lengths: [8],
    tokensPerExample: 8,
    epochTokens: 320,
  });
  const [learned, state] = ["model", "optimizer"].map((name) =>
    bytesIn(weights(whole.checkpoint!, `${name}.safetensors`)),
  );
  // Beside the state of tensors, four numbers of the optimizer's own.
  expect([4 * planned.trained, planned.memory.optimizer]).toEqual([learned, state! - 16]);
  expect(planned.checkpoint).toBe(learned! + state! - 16);
  const base = bytesIn(weights(whole.modelFolder!)) / 4;
  expect(notices.join("\n")).toContain(`LoRA: ${planned.trained} parameters are trained, ${base} are in`);

  // Some steps, a stop, the rest; gradient checkpointing gives the same bits.
  const again = loraConfig(folder, from, {
    output: join(folder, "again"),
    batch: { micro_batch_tokens: 128, examples: 8, gradient_checkpointing: true },
  });
  expect((await runTraining(again, stopAfter(4))).reason).toBe("stopped");
  const rest = await runTraining(again, { ...quiet, resume: "auto" });
  expect(rest.score).toEqual(whole.score);
  expect(weights(rest.modelFolder!).equals(weights(whole.modelFolder!))).toBe(true);

  // The checkpoint, the folded model and the adapter folded by hand are the same model.
  const merged = join(folder, "merged");
  await run("merge", adapter, "--output", merged);
  expect(weights(merged).equals(weights(whole.modelFolder!))).toBe(true);
  await run("export", join(folder, "whole"), "--adapter", "--raw", "--output", join(folder, "raw"));
  const raw = weights(join(folder, "raw"), "adapter_model.safetensors");
  expect(namesIn(raw)).toEqual(names);
  expect(raw.equals(saved)).toBe(false);
  for (const path of [whole.checkpoint!, whole.modelFolder!]) {
    const { score } = await evaluateModel(config, path, () => undefined);
    expect(score.loss).toBeCloseTo(whole.score!.loss, 4);
  }

  await expect(run("average", whole.checkpoint!, whole.checkpoint!, "--output", join(folder, "x"))).rejects.toThrow(
    "expected whole models, got",
  );
  await expect(run("merge", adapter, "--method", "mean", "--output", join(folder, "x"))).rejects.toThrow(
    "expected no --method for an adapter",
  );
  await expect(runTraining(loraConfig(folder, adapter, { output: join(folder, "x") }), quiet)).rejects.toThrow(
    /holds an adapter, no whole model: make one .*`modernbert-train merge/,
  );
  expect(existsSync(join(folder, "x", "model"))).toBe(false);

  const model = { from, global_rope_theta: 1e4 };
  await expect(runTraining(loraConfig(folder, from, { model, output: join(folder, "x") }), quiet)).rejects.toThrow(
    "lora.rank: expected no model.global_rope_theta",
  );

  // Other weights in the place of the base.
  const changed = weights(from);
  changed[changed.length - 1]! ^= 1;
  writeFileSync(join(from, "model.safetensors"), changed);
  rmSync(merged, { recursive: true });
  await expect(run("merge", adapter, "--output", merged)).rejects.toThrow("expected the weights that");
  await expect(runTraining(again, { ...quiet, resume: "auto" })).rejects.toThrow("was trained beside other weights");
});

test("refused before anything begins: no base, dropout, an unknown field", async () => {
  const folder = temporaryFolder();
  for (const name of ["train", "validation"]) writeFileSync(join(folder, `${name}.jsonl`), lines(records));
  await expect(runTraining(loraConfig(folder, undefined), quiet)).rejects.toThrow("lora.rank: expected model.from");
  expect(() => loraConfig(folder, folder, { lora: { rank: 2, dropout: 0.1 } })).toThrow(/lora\.dropout: .*expected 0/);
  expect(() => loraConfig(folder, folder, { lora: { ranks: 2 } })).toThrow(
    "unknown key lora.ranks: did you mean rank?",
  );
});
