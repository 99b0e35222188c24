/** Every objective of labelled records from the command line: `init`, `plan`, `run` and `finetune` on a few records, with nothing but names given. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { objectives } from "@modernbert-ts/training";
import { beforeAll, describe, expect, test } from "vitest";
import { planCommand } from "../src/commands/plan.ts";
import { checkConfig, readConfig } from "../src/config/read-config.ts";
import { createProgram } from "../src/program.ts";
import { runTraining } from "../src/run/run-training.ts";
import { folderOfFile, prepareCorpus, quiet, temporaryFolder, tinyConfig } from "./support.ts";

const [cat, dog] = ["the cat sat on a big mat", "a dog ran to the small house"];
const pair = { anchor: "the cat", positive: cat, negative: dog };
/** Of each objective one that suits it. */
const records: Readonly<Record<string, object>> = {
  sequence_classification: { text: cat, label: "cat" },
  token_classification: { tokens: ["the", "cat", "ran"], tags: ["O", "B-PET", "O"] },
  question_answering: { question: "what ran", context: dog, answers: { text: ["dog"], answer_start: [2] } },
  multiple_choice: { question: "the cat", choices: ["sat", "ran"], label: 0 },
  embeddings: pair,
  colbert: pair,
  splade: pair,
  reranking: { query: "the cat", docs: [cat, dog], labels: [1, 0] },
};
const labelled = objectives.filter(({ reading }) => reading);
const folder = folderOfFile();
const model = join(folder, "run", "model");

/** In thousands. */
const flops = (plan: string): number => Number(/compute {2}([\d.]+)k FLOP/.exec(plan)![1]);

async function command(...args: string[]): Promise<void> {
  await createProgram().parseAsync(args, { from: "user" });
}

beforeAll(async () => {
  await prepareCorpus(folder);
  await runTraining(tinyConfig(folder, { length: "100 tokens" }), quiet);
}, 60_000);

describe.each(labelled)("$name", ({ name }) => {
  const data = join(folder, name);
  const [train, validation] = ["train.jsonl", "validation.jsonl"].map((file) => join(data, file)) as [string, string];

  test("runs as init wrote it, and as finetune is told", { timeout: 60_000 }, async () => {
    const lines = Array.from({ length: 4 }, (_, at) => {
      const other = at % 2 === 1 && name === "sequence_classification" ? { label: "dog" } : {};
      return `${JSON.stringify({ ...records[name], ...other })}\n`;
    });
    mkdirSync(data);
    for (const path of [train, validation]) writeFileSync(path, lines.join(""));
    const config = join(data, "config.yaml");
    await command("init", name, config, "--data", data, "--from", model);
    await command("run", config, "--set", `output=${join(data, "run")}`);
    expect(existsSync(join(data, "run", "model", "model.safetensors"))).toBe(true);
    const tuned = join(data, "tuned");
    await command("finetune", model, "--objective", name, "--data", train, "--validation", validation, "-o", tuned);
    expect(readConfig(join(tuned, "config.yaml"))).toMatchObject({
      data: { train: [train], validation: [validation] },
      optimizer: { learning_rate: 5e-5 },
    });
    expect(existsSync(join(tuned, "model", "model.safetensors"))).toBe(true);
    const plan = await planCommand(readConfig(config), { device: "h100", devices: 1, mfu: 0.25 });
    expect(plan.join("\n")).toMatch(/tokens, sequences of \d+ on average, \d+ at most; 32 examples a step/);
  });
});

test("a plan goes by the records where they are, else by the longest text, and counts the second forward of a joint loss", async () => {
  const train = join(temporaryFolder(), "pairs.jsonl");
  const options = { device: "h100", devices: 2, mfu: 0.25 };
  const planned = async (changes: object): Promise<string> => {
    const fields = {
      objective: "embeddings",
      data: { train: [train], max_length: 16 },
      length: "1000 tokens",
      model: { from: model },
    };
    return (await planCommand(checkConfig({ ...fields, ...changes }, "test"), options)).join("\n");
  };
  const unknown = await planned({ batch: { micro_batch_tokens: 64, examples: 8 } });
  expect(unknown).toContain("sequences of 16; 8 examples a step");
  expect(unknown).toContain(`There is no ${train} yet: planned for texts of data.max_length.`);
  await expect(planned({ length: "3 epochs" })).rejects.toThrow("expected length in tokens to plan with, got 3 epochs");
  writeFileSync(train, `${JSON.stringify({ anchor: "the cat", positive: cat })}\n`.repeat(10));
  const tokens = Number(/training: (\d+) tokens/.exec(await planned({ length: "1 epoch" }))![1]);

  const [one, several] = [await planned({}), await planned({ batch: { micro_batch_tokens: 32, examples: 8 } })];
  expect(one).toContain(`steps    ${Math.ceil(1000 / ((tokens / 10) * 32))} of `);
  expect(flops(several) / flops(one)).toBeCloseTo(4 / 3, 2);
});

test("finetune refuses validation records where documents are trained on", async () => {
  await expect(command("finetune", model, "--data", "x", "--validation", "y")).rejects.toThrow(
    "expected --validation with labelled records, got it with masked_lm",
  );
});
