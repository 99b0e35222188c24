/** What the tests of the app share: a folder that goes away, a small corpus, a small configuration. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TrainingEvent } from "@modernbert-ts/training";
import { afterAll } from "vitest";
import { prepare } from "../src/commands/prepare.ts";
import type { TrainerConfig } from "../src/config/config.ts";
import { checkConfig } from "../src/config/read-config.ts";
import type { RunOptions } from "../src/run/run-training.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

export { temporaryFolder };

/** One for all tests of a file. */
export function folderOfFile(): string {
  const path = mkdtempSync(join(tmpdir(), "modernbert-trainer-"));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const words = ["the", "cat", "dog", "sat", "on", "a", "mat", "and", "ran", "to", "house", "big", "small", "red"];

/** Short documents between blank lines, the same every time. */
export function corpusText(documents: number): string {
  let state = 7;
  const next = (): number => (state = (state * 48271) % 2147483647);
  return Array.from({ length: documents }, () =>
    Array.from({ length: 4 + (next() % 20) }, () => words[next() % words.length]).join(" "),
  ).join(".\n\n");
}

/** Says nothing. */
export const quiet: RunOptions = { onNotice: () => undefined, onStart: () => () => undefined };

/** As `quiet`, and stopped after so many steps. */
export function stopAfter(steps: number): RunOptions {
  let seen = 0;
  return {
    ...quiet,
    onStart:
      ({ stop }) =>
      (event) =>
        void (event.kind === "step" && ++seen === steps && stop()),
  };
}

/** What a trainer says of a step of ten tokens. */
export function stepEvent(step: number, loss: number, seconds: number): TrainingEvent {
  return {
    kind: "step",
    step,
    tokens: step * 10,
    loss,
    metrics: { maskedAccuracy: 0.1 },
    learningRate: 1e-3,
    gradientNorm: 1,
    lossScale: 1,
    packingEfficiency: 0.99,
    tokensPerSecond: 20,
    seconds,
  };
}

/** A folder with a small corpus in it. */
export async function corpusFolder(): Promise<string> {
  const folder = temporaryFolder();
  await prepareCorpus(folder);
  return folder;
}

/** Token shards of a small corpus in `folder`/data. */
export async function prepareCorpus(folder: string, documents = 120): Promise<string> {
  const text = join(folder, "corpus.txt");
  const output = join(folder, "data");
  writeFileSync(text, corpusText(documents));
  await prepare({
    inputs: [text],
    output,
    tokenizer: "train",
    vocabSize: 280,
    validation: 0.1,
    seed: 1,
    split: "blank-line",
    onNotice: () => undefined,
  });
  return output;
}

/** As a YAML file would say it: a model of two small layers, a few steps. */
export function tinyFields(folder: string): Record<string, unknown> {
  return {
    output: join(folder, "run"),
    backend: "cpu",
    threads: 1,
    data: { path: join(folder, "data"), max_length: 32 },
    model: { num_hidden_layers: 2, hidden_size: 16, num_attention_heads: 2, intermediate_size: 16 },
    batch: { micro_batch_tokens: 64, micro_batches: 2 },
    length: "1500 tokens",
    optimizer: { learning_rate: 0.01 },
    evaluation: { every: "500 tokens", tokens: 200 },
    checkpoints: { every: "2 steps", keep: 2 },
  };
}

export function tinyConfig(folder: string, changes: Record<string, unknown> = {}): TrainerConfig {
  return checkConfig({ ...tinyFields(folder), ...changes }, "test");
}
