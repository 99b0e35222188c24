/** Writes run.json when a run begins. */
import { join } from "node:path";
import type { BackendChoice } from "@modernbert-ts/backends";
import { forwardFlops } from "@modernbert-ts/modernbert";
import type { ModernBert } from "@modernbert-ts/modernbert";
import { sequenceLengths } from "@modernbert-ts/training";
import type { Baseline, Objective } from "@modernbert-ts/training";
import type { TrainerConfig } from "../config/config.ts";
import { runLayout } from "../run-folder.ts";
import type { RunSummary } from "../run-folder.ts";
import { writeTextFile } from "../write-file.ts";
import type { RunPlan } from "./plan.ts";
import type { TrainingData } from "./training-data.ts";

interface RunParts {
  readonly config: TrainerConfig;
  readonly choice: BackendChoice;
  readonly model: ModernBert;
  readonly data: TrainingData;
  readonly plan: RunPlan;
  readonly objective: Objective;
  readonly baselines: readonly Baseline[];
  /** Processes that train together. */
  readonly world: number;
}

/** Enough to know the lengths of all. */
const sampledDocuments = 100_000;

export function writeRunSummary(output: string, parts: RunParts): void {
  const { config, choice, model, data, plan, baselines, world } = parts;
  const { name, lossUnit, metrics } = parts.objective;
  const { layers, hiddenSize, numHeads: heads, intermediateSize, vocabSize } = model.config;
  const cut = { ...plan.batches, clsId: data.roles.cls, sepId: data.roles.sep };
  const summary: RunSummary = {
    version: 2,
    parameters: model.parameterCount(),
    shape: { layers: layers.length, hiddenSize, heads, intermediateSize, vocabSize },
    backend: choice.reason,
    totalTokens: plan.totalTokens,
    tokensPerStep: plan.tokensPerStep,
    trainTokens: sum(data.folders.map(({ train }) => train.tokens)),
    trainDocuments: data.train.documents,
    validationTokens: sum(data.folders.map(({ validation }) => validation?.tokens ?? 0)),
    ...(data.train.mixture ? { sources: sourcesOf(data) } : {}),
    objective: { name, lossUnit, metrics },
    flops: forwardFlops(model.config, model.head, sequenceLengths(data.train, cut, sampledDocuments)),
    ...(config.log.peak_tflops === undefined ? {} : { peakFlops: config.log.peak_tflops * 1e12 * world }),
    baselines,
    config,
  };
  writeTextFile(join(output, runLayout.summary), `${JSON.stringify(summary, null, 2)}\n`);
}

function sourcesOf({ folders, train }: TrainingData): NonNullable<RunSummary["sources"]> {
  return folders.map(({ name, language, train: { documents, tokens } }, at) => ({
    name,
    ...(language === undefined ? {} : { language }),
    documents,
    tokens,
    documentShare: train.mixture![at]!.share,
  }));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
