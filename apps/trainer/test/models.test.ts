/** What becomes of models: evaluated, tiled, fine-tuned; configurations that `init` writes. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openPipeline, quantizeFolder } from "@modernbert-ts/pipelines";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { evaluateModel } from "../src/commands/evaluate.ts";
import { tileModel } from "../src/commands/tile.ts";
import { readConfig } from "../src/config/read-config.ts";
import { createProgram } from "../src/program.ts";
import { runTraining } from "../src/run/run-training.ts";
import { corpusFolder, quiet, temporaryFolder, tinyConfig } from "./support.ts";

async function weights(folder: string, name: string): Promise<{ shape: readonly number[]; values: Float32Array }> {
  await using pipeline = await openPipeline(folder, { backend: "cpu", threads: 1 });
  const tensor = pipeline.model.parameters.get(name)!;
  return { shape: tensor.shape, values: (await tensor.read()) as Float32Array };
}

test("a finished run is evaluated with its own score, and tiled to a larger model that loads", async () => {
  const folder = await corpusFolder();
  const run = join(folder, "run");
  const { score, checkpoint, modelFolder } = await runTraining(tinyConfig(folder), quiet);
  const config = readConfig(join(run, "config.yaml"));
  for (const model of [checkpoint!, modelFolder!])
    expect((await evaluateModel(config, model, () => undefined)).score).toEqual(score);

  const large = join(folder, "large");
  await tileModel(modelFolder!, "17m", large);
  const name = "model.layers.6.mlp.Wo.weight";
  const tiled = await weights(large, name);
  const small = await weights(modelFolder!, "model.layers.1.mlp.Wo.weight");
  expect([tiled.shape, small.shape]).toEqual([
    [256, 384],
    [16, 16],
  ]);
  // In the middle stands the smaller matrix.
  const [row, column] = [(256 - 16) / 2, (384 - 16) / 2];
  for (let r = 0; r < 16; r++)
    expect(tiled.values.subarray((row + r) * 384 + column, (row + r) * 384 + column + 16)).toEqual(
      small.values.subarray(r * 16, (r + 1) * 16),
    );
  await expect(tileModel(modelFolder!, "17m", large)).rejects.toThrow(
    "exists already: choose another name or delete it",
  );
});

test("a model in bytes is neither trained nor tiled", async () => {
  const folder = await corpusFolder();
  const { modelFolder } = await runTraining(tinyConfig(folder), quiet);
  const inBytes = join(folder, "bytes");
  await quantizeFolder(modelFolder!, inBytes, { format: "int8" });
  const refusal =
    /expected weights int8 for .*bytes, whose linear layers are stored so, got f32: take the model that it was made of/;
  await expect(tileModel(inBytes, "17m", join(folder, "large"))).rejects.toThrow(refusal);
  const tuned = command(
    "finetune",
    inBytes,
    "--data",
    join(folder, "data"),
    "-o",
    join(folder, "tuned"),
    "--backend",
    "cpu",
  );
  await expect(tuned).rejects.toThrow(refusal);
});

/** As a person would, without a process of its own. */
async function command(...args: string[]): Promise<void> {
  await createProgram().parseAsync(args, { from: "user" });
}

test("finetune goes on from a model with its preset", { timeout: 60_000 }, async () => {
  const folder = await corpusFolder();
  const { modelFolder } = await runTraining(tinyConfig(folder, { length: "200 tokens" }), quiet);
  const output = join(folder, "tuned");
  const changes = ["--backend", "cpu", "--set", "batch.micro_batch_tokens=512"];
  await command("finetune", modelFolder!, "--data", join(folder, "data"), "-o", output, ...changes);
  expect(parse(readFileSync(join(output, "config.yaml"), "utf8"))).toMatchObject({
    model: { from: modelFolder, dropout: 0 },
    optimizer: { learning_rate: 5e-5 },
    schedule: { kind: "linear", warmup: "6%" },
    length: "3 epochs",
    batch: { micro_batch_tokens: 512, micro_batches: 2 },
  });
  expect(existsSync(join(output, "model", "model.safetensors"))).toBe(true);
  const other = join(folder, "other");
  const wider = tinyConfig(folder, { output: other, model: { from: modelFolder!, hidden_size: 32 } });
  await expect(runTraining(wider, quiet)).rejects.toThrow(
    `model.hidden_size: expected 16, which ${modelFolder!} has, got 32: leave it out, or model.from`,
  );
  expect(existsSync(other)).toBe(false);
});

test("init explains a task, a preset or a file, and names what is near", async () => {
  const folder = temporaryFolder();
  const path = (name: string): string => join(folder, name);
  await command("init", "pretrain", path("a.yaml"), "--preset", "base");
  expect(readConfig(path("a.yaml")).phases.map(({ name }) => name)).toEqual(["pretrain", "context extension", "decay"]);
  expect(readFileSync(path("a.yaml"), "utf8")).toContain("# Preset: ModernBERT base");
  await command("init", "finetune", path("b.yaml"));
  expect(readConfig(path("b.yaml"))).toMatchObject({ length: "3 epochs", optimizer: { learning_rate: 5e-5 } });
  await command("init", "random-token-detection", path("c.yaml"));
  expect(readConfig(path("c.yaml")).objective).toBe("random_token_detection");
  await command("init", path("d.yaml"), "--data", "mine");
  expect(readConfig(path("d.yaml")).data).toMatchObject({ path: "mine" });
  await expect(command("init", path("d.yaml"))).rejects.toThrow("exists already");
  await expect(command("init", "pretrian")).rejects.toThrow("got pretrian (did you mean pretrain?)");
});
