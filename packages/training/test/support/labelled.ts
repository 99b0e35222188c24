/** What tests of labelled objectives share: a small tokenizer, records in files, a small model, some steps. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import type { Runtime } from "@modernbert-ts/tensor-core";
import { trainBpe } from "@modernbert-ts/tokenizer";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { expect, onTestFinished } from "vitest";
import type { ExampleLoader } from "../../src/data/examples/example-loader.ts";
import type { ExampleStore } from "../../src/data/examples/example-store.ts";
import { collectLabels, readExamples } from "../../src/data/examples/read-examples.ts";
import type { ExampleSource } from "../../src/data/examples/read-examples.ts";
import type { ExampleRow } from "../../src/data/examples/example-row.ts";
import { batchesOf } from "../../src/data/packing/batch.ts";
import { evaluate } from "../../src/loop/evaluate.ts";
import type { Score } from "../../src/loop/evaluate.ts";
import { readStepMetrics, trainingStep } from "../../src/loop/training-step.ts";
import type { Objective, ObjectiveData, TrainableModel } from "../../src/objectives/objective.ts";
import { defaultValues } from "../../src/objectives/settings.ts";
import type { SettingValues } from "../../src/objectives/settings.ts";
import { StableAdamW } from "../../src/optimizer/stable-adamw.ts";
import { newRuntime } from "./runtime.ts";

export type LabelledObjective = Objective<ExampleRow, ExampleStore>;

const words = "red green blue big small cat dog bird fish runs sleeps eats who what where the a is was not";
export const tokenizer: Tokenizer = trainBpe(
  Array.from({ length: 40 }, (_, at) =>
    words
      .split(" ")
      .slice(at % 20)
      .join(" "),
  ),
  { vocabSize: 400 },
);

/** The path of a file with one JSON object a line. */
export function recordsFile(records: readonly object[], name = "records.jsonl"): string {
  const folder = mkdtempSync(join(tmpdir(), "examples-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  return path;
}

export interface Labelled {
  readonly data: ObjectiveData<ExampleStore>;
  readonly labels: readonly string[];
  readonly values: SettingValues;
  readonly cut: number;
}

/** Records read as the trainer reads them. */
export async function label(
  objective: LabelledObjective,
  records: readonly object[],
  settings: SettingValues = {},
  options: { readonly maxLength?: number; readonly labels?: readonly string[] } & Partial<ExampleSource> = {},
): Promise<Labelled> {
  const values = { ...defaultValues(objective.settings), ...settings };
  const { maxLength = 64, ...rest } = options;
  const source = { paths: [recordsFile(records)], names: {}, ...rest };
  const reading = objective.reading!;
  const labels = options.labels ?? (await collectLabels(reading, source, values));
  const { store, cut } = await readExamples(reading, source, { tokenizer, maxLength, labels, values });
  const { cls, sep, pad, mask } = tokenizer.specialTokens;
  return { data: { store, roles: { cls: cls!, sep: sep!, pad: pad!, mask } }, labels, values, cut };
}

export const batches = {
  seed: 4,
  maxLength: 64,
  longDocuments: "truncate",
  rowLength: 96,
  rows: 1,
  examples: 12,
} as const;

export function smallModel(
  objective: LabelledObjective,
  { labels, values }: Pick<Labelled, "labels" | "values">,
  runtime: Runtime = newRuntime(),
): TrainableModel<ExampleRow> {
  return objective.model(smallEncoder(objective, { labels, values }, runtime), { seed: 3 }, values);
}

export function smallEncoder(
  objective: LabelledObjective,
  { labels, values }: Pick<Labelled, "labels" | "values">,
  runtime: Runtime = newRuntime(),
): ModernBert {
  const shape = createConfig({
    hidden_size: 16,
    num_attention_heads: 2,
    intermediate_size: 24,
    num_hidden_layers: 2,
    vocab_size: 448,
    initializer_range: 0.1,
  });
  const config = { ...shape, ...objective.headSettings?.(values, labels) };
  const { head } = objective;
  return new ModernBert({
    runtime,
    config,
    head,
    parameters: initialiseParameters(runtime, config, head, { seed: 3, style: "huggingface" }),
  });
}

/** Trains for some steps. @returns the losses. */
export async function trainSteps(
  objective: LabelledObjective,
  model: TrainableModel<ExampleRow>,
  { data, values }: Labelled,
  steps: number,
  learningRate = 0.01,
): Promise<number[]> {
  const optimizer = new StableAdamW(model, { maxLearningRate: learningRate });
  const loader = objective.loader(data, batches, values);
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const metrics = trainingStep(model, optimizer, loader.next(0)!, { step, learningRate });
    losses.push((await readStepMetrics(metrics)).loss);
  }
  optimizer.dispose();
  return losses;
}

export function scoreOf(
  objective: LabelledObjective,
  model: TrainableModel<ExampleRow>,
  { data, values }: Labelled,
): Promise<Score> {
  return evaluate(model, batchesOf(objective.loader(data, { ...batches, seed: 0, epochs: 1 }, values)));
}

export function loaderOf(objective: LabelledObjective, { data, values }: Labelled, state?: unknown): ExampleLoader {
  return objective.loader(data, batches, values, state) as ExampleLoader;
}

/** A loader that is made of the state of another gives what that would have given. */
export async function expectExactResume(objective: LabelledObjective, records: readonly object[]): Promise<void> {
  const labelled = await label(objective, records);
  const whole = loaderOf(objective, labelled);
  const expected = Array.from({ length: 4 }, () => whole.next());
  const first = loaderOf(objective, labelled);
  first.next();
  const second = loaderOf(objective, labelled, JSON.parse(JSON.stringify(first.state())));
  expect([second.next(), second.next(), second.next()]).toEqual(expected.slice(1));
}
