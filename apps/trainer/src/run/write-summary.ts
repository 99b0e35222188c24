/** Writes run.json when a run begins. */
import { join } from "node:path";
import type { BackendChoice } from "@modernbert-ts/backends";
import type { ModernBert } from "@modernbert-ts/modernbert";
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
}

export function writeRunSummary(output: string, parts: RunParts): void {
  const { config, choice, model, data, plan, baselines } = parts;
  const { name, lossUnit, metrics } = parts.objective;
  const { layers, hiddenSize, numHeads: heads, intermediateSize, vocabSize } = model.config;
  const summary: RunSummary = {
    version: 2,
    parameters: model.parameterCount(),
    shape: { layers: layers.length, hiddenSize, heads, intermediateSize, vocabSize },
    backend: choice.reason,
    totalTokens: plan.totalTokens,
    tokensPerStep: plan.tokensPerStep,
    trainTokens: data.train.tokens,
    trainDocuments: data.train.documents,
    validationTokens: data.validation?.tokens ?? 0,
    objective: { name, lossUnit, metrics },
    baselines,
    config,
  };
  writeTextFile(join(output, runLayout.summary), `${JSON.stringify(summary, null, 2)}\n`);
}
