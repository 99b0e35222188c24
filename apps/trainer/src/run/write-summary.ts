/** Writes run.json when a run begins, and when a phase does. */
import { join } from "node:path";
import { forwardFlops } from "@modernbert-ts/modernbert";
import type { ModernBert } from "@modernbert-ts/modernbert";
import { sequenceLengths } from "@modernbert-ts/training";
import type { Baseline } from "@modernbert-ts/training";
import { runLayout } from "../run-folder.ts";
import type { PhaseFlops, RunSummary } from "../run-folder.ts";
import { writeTextFile } from "../write-file.ts";
import type { PlannedPhase } from "./phases.ts";
import type { TrainingData } from "./training-data.ts";
import type { RunContext } from "./run-context.ts";

/** Enough to know the lengths of all. */
const sampledDocuments = 100_000;

export function writeRunSummary(
  output: string,
  { config, choice, objective, phases, ranks }: RunContext,
  { data, plan }: PlannedPhase,
  model: ModernBert,
  baselines: readonly Baseline[],
): void {
  const { name, lossUnit, metrics } = objective;
  const { layers, hiddenSize, numHeads: heads, intermediateSize, vocabSize } = model.config;
  const peak = config.log.peak_tflops;
  const { formerRowLength, rowLength } = plan.batches;
  const summary: RunSummary = {
    version: 2,
    parameters: model.parameterCount(),
    shape: { layers: layers.length, hiddenSize, heads, intermediateSize, vocabSize },
    backend: choice.reason,
    totalTokens: phases.at(-1)!.plan.totalTokens,
    tokensPerStep: plan.tokensPerStep,
    ...(formerRowLength === undefined ? {} : { halvedMicroBatch: { from: formerRowLength, to: rowLength } }),
    trainTokens: sum(data.folders.map(({ train }) => train.tokens)),
    trainDocuments: data.train.documents,
    validationTokens: sum(data.folders.map(({ validation }) => validation?.tokens ?? 0)),
    ...(data.train.mixture ? { sources: sourcesOf(data) } : {}),
    objective: { name, lossUnit, metrics },
    flops: peak === undefined ? [] : phases.map((phase) => flopsOf(model, phase)),
    ...(peak === undefined ? {} : { peakFlops: peak * 1e12 * ranks.world }),
    baselines,
    config,
  };
  writeTextFile(join(output, runLayout.summary), `${JSON.stringify(summary, null, 2)}\n`);
}

function flopsOf(model: ModernBert, { data: { train, roles }, plan, startTokens }: PlannedPhase): PhaseFlops {
  const cut = { ...plan.batches, clsId: roles.cls, sepId: roles.sep };
  return { startTokens, ...forwardFlops(model.config, model.head, sequenceLengths(train, cut, sampledDocuments)) };
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
