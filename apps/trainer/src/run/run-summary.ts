/** run.json: what a run is, for the report and for whoever finds the folder later. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BackendChoice } from "@modernbert-ts/backends";
import { countParameters } from "@modernbert-ts/modernbert";
import type { ModernBert } from "@modernbert-ts/modernbert";
import { ioError } from "@modernbert-ts/training";
import type { MaskedLmBaselines } from "@modernbert-ts/training";
import type { TrainerConfig } from "../config/config.ts";
import { UserError } from "../errors.ts";
import { writeTextFile } from "../write-file.ts";
import type { RunPlan } from "./plan.ts";
import type { TrainingData } from "./training-data.ts";

/** Names inside the output folder of a run. */
export const runLayout = {
  config: "config.yaml",
  summary: "run.json",
  metrics: "metrics.jsonl",
  checkpoints: "checkpoints",
  model: "model",
  report: "report.html",
} as const;

export interface RunSummary {
  readonly parameters: number;
  readonly shape: {
    readonly layers: number;
    readonly hiddenSize: number;
    readonly heads: number;
    readonly intermediateSize: number;
    readonly vocabSize: number;
  };
  readonly backend: string;
  readonly totalTokens: number;
  readonly tokensPerStep: number;
  readonly trainTokens: number;
  readonly trainDocuments: number;
  readonly validationTokens: number;
  /** null without validation data. */
  readonly baselines: Pick<MaskedLmBaselines, "mostFrequentAccuracy" | "unigramLoss" | "maskedTokens"> | null;
  readonly config: TrainerConfig;
}

interface RunParts {
  readonly config: TrainerConfig;
  readonly choice: BackendChoice;
  readonly model: ModernBert;
  readonly data: TrainingData;
  readonly plan: RunPlan;
  readonly baselines: MaskedLmBaselines | undefined;
}

export function writeRunSummary(output: string, { config, choice, model, data, plan, baselines }: RunParts): void {
  const { layers, hiddenSize, numHeads: heads, intermediateSize, vocabSize } = model.config;
  const summary: RunSummary = {
    parameters: countParameters(model.config, "masked-lm"),
    shape: { layers: layers.length, hiddenSize, heads, intermediateSize, vocabSize },
    backend: choice.reason,
    totalTokens: plan.totalTokens,
    tokensPerStep: plan.tokensPerStep,
    trainTokens: data.train.manifest.tokens,
    trainDocuments: data.train.manifest.documents,
    validationTokens: data.validation?.manifest.tokens ?? 0,
    baselines: baselines ?? null,
    config,
  };
  writeTextFile(join(output, runLayout.summary), `${JSON.stringify(summary, null, 2)}\n`);
}

/** Errors: UserError when it is not JSON; DataError when it cannot be read. */
export function readRunSummary(output: string): RunSummary {
  const path = join(output, runLayout.summary);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as RunSummary;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw ioError("readRunSummary", path, error);
    throw new UserError(
      `expected JSON in ${path}, got something else: restore it, or go on with the run to write it again`,
    );
  }
}
