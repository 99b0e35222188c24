/** What is checked before a run touches its folder, and what it finds there. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { PackedLoader } from "@modernbert-ts/training";
import { describe, expect, test } from "vitest";
import { lockFolder } from "../src/run/output/lock.ts";
import { runTraining } from "../src/run/run-training.ts";
import { openTrainingData } from "../src/run/data/training-data.ts";
import { corpusFolder, prepareCorpus, quiet, temporaryFolder, tinyConfig } from "./support.ts";

describe("the output folder", () => {
  test("belongs to one process: a second run is refused, changes nothing, and may begin when the first is done", async () => {
    const folder = await corpusFolder();
    const config = tinyConfig(folder);
    const lock = lockFolder(config.output);
    const before = readdirSync(config.output);
    for (const resume of [{}, { resume: "auto" }]) {
      await expect(runTraining(config, { ...quiet, ...resume })).rejects.toThrow(
        `${config.output} is in use by process ${process.pid} on ${hostname()}: wait for it or stop it, or set another output`,
      );
    }
    expect(readdirSync(config.output)).toEqual(before);
    lock.release();
    expect(existsSync(config.output)).toBe(false);
    await runTraining(config, quiet);
    expect(readdirSync(config.output)).not.toContain("run.lock");
  });

  test("of a process that is gone is free, whichever machine it ran on", async () => {
    const output = join(temporaryFolder(), "run");
    mkdirSync(output);
    const path = join(output, "run.lock");
    const ended = spawn(process.execPath, ["-e", ""]);
    await new Promise((resolve) => ended.once("exit", resolve));
    const write = (owner: object): void => writeFileSync(path, JSON.stringify(owner));
    write({ host: hostname(), pid: ended.pid, began: "1" });
    lockFolder(output).release();
    // The pid of another process by now.
    write({ host: hostname(), pid: process.pid, began: "a different time" });
    lockFolder(output).release();
    write({ host: "elsewhere", pid: 1, began: "" });
    expect(() => lockFolder(output)).toThrow("is in use by process 1 on elsewhere");
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(path, longAgo, longAgo);
    lockFolder(output).release();
    writeFileSync(path, "{");
    expect(() => lockFolder(output)).toThrow("is in use by another process");
    expect(readdirSync(output)).toEqual(["run.lock"]);
  });

  test("of an earlier run takes no other run's checkpoint", async () => {
    const folder = await corpusFolder();
    await runTraining(tinyConfig(folder), quiet);
    const other = tinyConfig(folder, { output: join(folder, "other") });
    await runTraining(other, quiet);
    const resume = join(other.output, "checkpoints", readdirSync(join(other.output, "checkpoints"))[0]!);
    const before = readdirSync(join(folder, "run", "checkpoints"));
    await expect(runTraining(tinyConfig(folder), { ...quiet, resume })).rejects.toThrow(
      /belongs to another run, and .* holds checkpoints of an earlier one: set another output/,
    );
    expect(readdirSync(join(folder, "run", "checkpoints"))).toEqual(before);
  });
});

describe("a resume with other settings", () => {
  test.each([
    [{ seed: 18 }, "the checkpoint was made with seed = 17, got 18: set it back, or another output for a new run"],
    [
      { model: { num_hidden_layers: 2, hidden_size: 16, num_attention_heads: 4, intermediate_size: 16 } },
      "the checkpoint was made with model.num_attention_heads = 2, got 4: set it back, or another output for a new run",
    ],
    [
      { batch: { micro_batch_tokens: 128, micro_batches: 2 } },
      "the checkpoint was made with batch.micro_batch_tokens = 64, got 128: set it back, or another output for a new run",
    ],
  ])("%j is refused in the words of the configuration, and changes nothing", async (change, message) => {
    const folder = await corpusFolder();
    await runTraining(tinyConfig(folder), quiet);
    const run = join(folder, "run");
    const contents = (): string[] =>
      readdirSync(run)
        .filter((name) => /yaml|jsonl?$/.test(name))
        .map((name) => readFileSync(join(run, name), "utf8"));
    const before = contents();
    await expect(runTraining(tinyConfig(folder, change), { ...quiet, resume: "auto" })).rejects.toThrow(message);
    expect(contents()).toEqual(before);
  });

  test("other data are named by the field that names them", async () => {
    const folder = await corpusFolder();
    await runTraining(tinyConfig(folder), quiet);
    const other = join(folder, "other");
    mkdirSync(other);
    const path = await prepareCorpus(other, 100);
    const config = tinyConfig(folder, { data: { path, max_length: 32 } });
    await expect(runTraining(config, { ...quiet, resume: "auto" })).rejects.toThrow(
      "the checkpoint was made with other data (or weights of their sources) than the section data says",
    );
  });
});

test("a schedule that does not fit in the length is refused by its fields", async () => {
  const folder = await corpusFolder();
  const schedule = { warmup: "60%", decay: "60%" };
  await expect(runTraining(tinyConfig(folder, { schedule }), quiet)).rejects.toThrow(
    "expected schedule.warmup (60%) and decay (60%) to fit in the length of 1500 tokens: shorten them, or raise length",
  );
});

describe("the data", () => {
  test("that changed are refused by the name of the file, unless told not to look", async () => {
    const folder = await corpusFolder();
    const path = join(folder, "data", "train", "shard-00000.bin");
    const bytes = readFileSync(path);
    bytes[100] = bytes[100]! ^ 1;
    writeFileSync(path, bytes);
    await expect(runTraining(tinyConfig(folder), quiet)).rejects.toThrow(path);
    expect(existsSync(join(folder, "run"))).toBe(false);
    const unverified = { path: join(folder, "data"), max_length: 16, verify: false };
    await runTraining(tinyConfig(folder, { data: unverified }), quiet);
  });

  test.for(["split", "truncate"] as const)(
    "an epoch is what the loader gives (%s), and half of one is half",
    async (longDocuments) => {
      const folder = await corpusFolder();
      const { train: store, roles } = await openTrainingData({ path: join(folder, "data") }, { maxLength: 32 });
      const loader = new PackedLoader({
        store,
        seed: 17,
        maxLength: 8,
        longDocuments,
        rowLength: 64,
        rows: 1,
        epochs: 1,
        clsId: roles.cls,
        sepId: roles.sep,
        prepare: (row) => row,
        weightOf: () => 1,
      });
      let tokens = 0;
      for (let batch = loader.next(tokens); batch; batch = loader.next(tokens)) tokens += batch.tokens;
      const totals: number[] = [];
      for (const length of ["1 epochs", "0.5 epochs"]) {
        const data = { path: join(folder, "data"), max_length: 8, long_documents: longDocuments };
        const config = tinyConfig(folder, { output: join(folder, length), data, length });
        await runTraining(config, {
          ...quiet,
          onStart({ plan, stop }) {
            totals.push(plan.totalTokens);
            stop();
            return () => undefined;
          },
        });
      }
      expect(totals).toEqual([tokens, Math.round(tokens / 2)]);
    },
  );
});
