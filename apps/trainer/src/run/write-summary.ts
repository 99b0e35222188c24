/** Writes run.json when a run begins, and when a phase does. */
import { join } from "node:path";
import { forwardFlops } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import { ExampleStore, sequenceLengths } from "@modernbert-ts/training";
import type { Baseline, DocumentStore } from "@modernbert-ts/training";
import { runLayout } from "../run-folder.ts";
import type { PhaseFlops, RunSummary } from "../run-folder.ts";
import { writeTextFile } from "../write-file.ts";
import type { PlannedPhase } from "./phases.ts";
import type { ShardData, TrainingData } from "./training-data.ts";
import type { RunContext } from "./run-context.ts";

/** Enough to know the lengths of all. */
const sampledDocuments = 100_000;

export function writeRunSummary(
  output: string,
  { config, choice, objective, phases, ranks }: RunContext,
  { data, plan }: PlannedPhase,
  model: Encoder,
  baselines: readonly Baseline[],
): void {
  const { name, lossUnit, metrics } = objective;
  const { numLayers: layers, hiddenSize, numHeads: heads, intermediateSize, vocabSize } = model.info;
  const peak = config.log.peak_tflops;
  const { formerRowLength, rowLength } = plan.batches;
  const summary: RunSummary = {
    version: 2,
    parameters: model.parameterCount(),
    shape: { layers, hiddenSize, heads, intermediateSize, vocabSize },
    backend: choice.reason,
    totalTokens: phases.at(-1)!.plan.totalTokens,
    tokensPerStep: plan.tokensPerStep,
    ...(formerRowLength === undefined ? {} : { halvedMicroBatch: { from: formerRowLength, to: rowLength } }),
    trainTokens: data.trainTokens,
    trainDocuments: data.train.documents,
    validationTokens: data.validationTokens,
    ...sourcesOf(data),
    objective: { name, lossUnit, metrics },
    flops: peak === undefined ? [] : phases.map((phase) => flopsOf(model, phase)),
    ...(peak === undefined ? {} : { peakFlops: peak * 1e12 * ranks.world }),
    baselines,
    config,
  };
  writeTextFile(join(output, runLayout.summary), `${JSON.stringify(summary, null, 2)}\n`);
}

function flopsOf(model: Encoder, { data: { train, roles }, plan, startTokens }: PlannedPhase): PhaseFlops {
  const cut = { ...plan.batches, clsId: roles.cls, sepId: roles.sep };
  const lengths =
    train instanceof ExampleStore
      ? train.sequenceLengths(sampledDocuments)
      : sequenceLengths(train as DocumentStore, cut, sampledDocuments);
  return { startTokens, ...forwardFlops(model.kind, model.config, model.head, lengths) };
}

/** Of a mixture. */
function sourcesOf(data: TrainingData): Pick<RunSummary, "sources"> {
  if (!("folders" in data)) return {};
  const { folders, train } = data as ShardData;
  const { mixture } = train;
  if (!mixture) return {};
  const sources = folders.map(({ name, language, train: { documents, tokens } }, at) => ({
    name,
    ...(language === undefined ? {} : { language }),
    documents,
    tokens,
    documentShare: mixture[at]!.share,
  }));
  return { sources };
}
