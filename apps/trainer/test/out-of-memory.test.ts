/** A device with too little memory for the micro-batch: a backend whose `allocate` refuses above a limit. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openRuntime } from "@modernbert-ts/pipelines";
import { OutOfMemoryError } from "@modernbert-ts/tensor-core";
import { openCheckpoint, readMetrics, trainingStateOf } from "@modernbert-ts/training";
import { afterEach, expect, test, vi } from "vitest";
import { readRunSummary } from "../src/run-folder.ts";
import { runTraining } from "../src/run/run-training.ts";
import type { RunResult } from "../src/run/run-training.ts";
import { corpusFolder, quiet, stopAfter, tinyConfig } from "./support.ts";

/** Of one tensor, in bytes. */
let limit = Number.POSITIVE_INFINITY;

vi.mock("@modernbert-ts/pipelines", async (original) => {
  const real = await original<{ openRuntime: typeof openRuntime }>();
  return {
    ...real,
    async openRuntime(options: Parameters<typeof openRuntime>[0]) {
      const open = await real.openRuntime(options);
      const { backend } = open.runtime;
      const allocate = backend.allocate.bind(backend);
      backend.allocate = (bytes, ...more) => {
        if (bytes <= limit) return allocate(bytes, ...more);
        throw new OutOfMemoryError("allocate", `expected room for ${bytes} bytes, got none`);
      };
      return open;
    },
  };
});

afterEach(() => {
  limit = Number.POSITIVE_INFINITY;
});

const batch = { micro_batch_tokens: 128, micro_batches: 1 };
/** The MLP's hidden values of 128 tokens do not fit, those of 64 do; parameters do. */
const model = { num_hidden_layers: 2, hidden_size: 16, num_attention_heads: 2, intermediate_size: 96 };
const tight = 64 * 2 * 96 * 4;

test("the micro-batch is halved once, and the run goes on as it was: from where it stood, with as many tokens a step", async () => {
  const folder = await corpusFolder();
  const notices: string[] = [];
  const train = (options = quiet, changes = {}): Promise<RunResult> =>
    runTraining(tinyConfig(folder, { model, batch, ...changes }), {
      ...options,
      onNotice: (line) => notices.push(line),
    });
  const { checkpoint } = await train(stopAfter(4));
  limit = tight;
  const { reason, modelFolder } = await train({ ...stopAfter(4), resume: "auto" });
  expect([reason, modelFolder]).toEqual(["stopped", undefined]);
  expect(notices.filter((line) => line.includes("memory"))).toEqual([
    `out of memory with batch.micro_batch_tokens 128: going on from ${checkpoint} with 64, and more micro-batches, so that a step stays as large`,
  ]);
  notices.length = 0;
  expect((await train({ ...quiet, resume: "auto" })).reason).toBe("finished");
  expect(notices.filter((line) => line.includes("memory"))).toEqual([
    "micro-batches stay halved, from 128 to 64 tokens, for want of memory",
  ]);
  const run = join(folder, "run");
  expect(readRunSummary(run)).toMatchObject({ halvedMicroBatch: { from: 128, to: 64 }, tokensPerStep: 128 });
  expect(readFileSync(join(run, "report.html"), "utf8")).toContain("halved from 128");
  const steps = readMetrics(join(run, "metrics.jsonl")).filter(({ kind }) => kind === "step");
  expect(steps.map(({ step }) => step)).toEqual(steps.map((_, at) => at + 1));
  const sizes = steps.map(({ tokens }, at) => tokens - (steps[at - 1]?.tokens ?? 0));
  expect(Math.min(...sizes)).toBeGreaterThan(96);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(128);
  const last = readdirSync(join(run, "checkpoints")).sort().at(-1)!;
  expect(trainingStateOf(await openCheckpoint(join(run, "checkpoints", last))).halvedFrom).toBe(128);
});

test("half of it that holds no text, or has no room either, is refused by name", async () => {
  const folder = await corpusFolder();
  limit = tight;
  const data = { path: join(folder, "data"), max_length: 100 };
  await expect(runTraining(tinyConfig(folder, { model, batch, data }), quiet)).rejects.toThrow(
    "out of memory with batch.micro_batch_tokens 128, and half of it holds no text of data.max_length (100) tokens: set batch.gradient_checkpointing: true",
  );
  limit = tight / 2;
  const output = join(folder, "other");
  await expect(runTraining(tinyConfig(folder, { model, batch, output }), quiet)).rejects.toThrow(
    /^out of memory with batch.micro_batch_tokens 64 \(\[allocate\] expected room for \d+ bytes, got none\): lower it/,
  );
});
