/** The output folder of a run: the names in it, and run.json, which says what the run is. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Flops } from "@modernbert-ts/encoder";
import { ioError, maskedLmObjective } from "@modernbert-ts/training";
import type { Baseline, MetricDefinition } from "@modernbert-ts/training";
import type { TrainerConfig } from "./config/config.ts";
import { UserError } from "./errors.ts";

/** Names inside the output folder of a run. */
export const runLayout = {
  config: "config.yaml",
  summary: "run.json",
  metrics: "metrics.jsonl",
  tensorboard: "tensorboard",
  mlflow: "mlflow-run",
  wandb: "wandb-run",
  checkpoints: "checkpoints",
  model: "model",
  adapter: "adapter",
  report: "report.html",
  samples: "samples.jsonl",
  lock: "run.lock",
} as const;

/** Of a forward pass, over the lengths of a phase's training data. */
export interface PhaseFlops extends Flops {
  /** Where the phase begins. */
  readonly startTokens: number;
}

export interface RunSummary {
  readonly version: 2;
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
  /** Tokens of a micro-batch, where it had to be halved for want of memory. */
  readonly halvedMicroBatch?: { readonly from: number; readonly to: number };
  readonly trainTokens: number;
  readonly trainDocuments: number;
  readonly validationTokens: number;
  /** Of a mixture; `documentShare` of the documents that are read. */
  readonly sources?: readonly {
    readonly name: string;
    readonly language?: string;
    readonly documents: number;
    readonly tokens: number;
    readonly documentShare: number;
  }[];
  /** What is trained for, and how to show its numbers. */
  readonly objective: {
    readonly name: string;
    readonly lossUnit: string;
    readonly metrics: readonly MetricDefinition[];
  };
  /** Of each phase, where the peak is known; absent in files of earlier releases. */
  readonly flops?: readonly PhaseFlops[];
  /** Of all processes together, per second; absent where `log.peak_tflops` is. */
  readonly peakFlops?: number;
  /** Empty without validation data. */
  readonly baselines: readonly Baseline[];
  readonly config: TrainerConfig;
}

/** @throws UserError when it is not JSON; DataError when it cannot be read. */
export function readRunSummary(output: string): RunSummary {
  const path = join(output, runLayout.summary);
  try {
    return upgrade(JSON.parse(readFileSync(path, "utf8")) as RunSummary);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw ioError("readRunSummary", path, error);
    throw new UserError(
      `expected JSON in ${path}, got something else: restore it, or go on with the run to write it again`,
    );
  }
}

/** Version 1 knew one objective and had the baselines by name. */
interface Version1 {
  readonly baselines: { readonly mostFrequentAccuracy: number; readonly unigramLoss: number } | null;
}

function upgrade(summary: RunSummary | (Omit<RunSummary, "version" | "baselines"> & Version1)): RunSummary {
  if ("version" in summary) {
    if (summary.version === 2) return summary;
    throw new UserError(
      `expected ${runLayout.summary} of version 1 or 2, got ${String(summary.version)}: update this program`,
    );
  }
  const { baselines } = summary;
  const { name, lossUnit, metrics } = maskedLmObjective;
  return {
    ...summary,
    version: 2,
    objective: { name, lossUnit, metrics },
    baselines: baselines
      ? [
          { name: "unigram", of: "loss", value: baselines.unigramLoss },
          { name: "most frequent token", of: "maskedAccuracy", value: baselines.mostFrequentAccuracy },
        ]
      : [],
  };
}
