/** One phase of a run: model, optimizer and loader as its configuration says, put back to where a checkpoint stands; then the loop. */
import { join } from "node:path";
import { noticeUnfused } from "@modernbert-ts/pipelines";
import { loaderStateOf, MetricsLog, restoreTraining, Trainer, trainingStateOf } from "@modernbert-ts/training";
import type { Checkpoint, TrainingResult } from "@modernbert-ts/training";
import { stringify } from "yaml";
import { settingsOf } from "../config/objective-settings.ts";
import { withHeldOut } from "../metrics.ts";
import { runLayout } from "../run-folder.ts";
import { openSampleTexts } from "../samples/sample-texts.ts";
import type { Ending } from "../tracking/tracker.ts";
import { writeTextFile } from "../write-file.ts";
import { criterionOf } from "./criterion.ts";
import { heldOutScore } from "./held-out.ts";
import { createLearner } from "./learner.ts";
import { heldOutBatches, openLoader, trainingOf } from "./loader.ts";
import { expectBaseOf } from "./lora.ts";
import { modelFiles } from "./model-files.ts";
import type { PlannedPhase } from "./phases.ts";
import type { RunPlan } from "./plan.ts";
import { exchangeOf } from "./ranks.ts";
import type { RunContext } from "./run-context.ts";
import { isOwn, setLaterAside } from "./resume.ts";
import { openTrackers } from "./trackers.ts";
import { writeRunSummary } from "./write-summary.ts";

/** @param start where to go on: within this phase, or at the end of the one before. The run's beginning when absent. */
export async function trainPhase(
  context: RunContext,
  phase: PlannedPhase,
  start: Checkpoint | undefined,
): Promise<TrainingResult> {
  const { objective, runtime, collective, ranks, onNotice, tell } = context;
  const { config, data, plan } = phase;
  const { output } = config;
  const { rank, world } = ranks;
  const checkpointFolder = join(output, runLayout.checkpoints);
  using learner = await createLearner(context, phase);
  const { bert, model, optimizer } = learner;
  const settings = settingsOf(config, objective);
  const shown = withHeldOut(objective, model);
  const criterion = criterionOf(config, shown);
  const files = {
    ...modelFiles(bert, data.tokenizer),
    ...objective.files?.(bert, settings.training, config.data.max_length),
    ...learner.adapterFiles,
  };
  const samples = rank === 0 ? await openSampleTexts(config.log.samples, bert, files) : undefined;
  if (start) expectBaseOf(start.path, files);
  const state = start && (await restoreTraining(start, model, optimizer));
  const within = state && (state.phase ?? 0) === phase.index;
  const { loader, close: closeLoader } = openLoader(
    { objective, phase, ranks },
    { state: within ? loaderStateOf(state, rank, world) : undefined, tokens: state?.progress.tokens ?? 0 },
  );
  const batches = heldOutBatches(objective, phase);
  if (rank === 0) {
    const baselines = batches ? objective.baselines(trainingOf(data), batches(), settings.evaluation) : [];
    if (start) setLaterAside(checkpointFolder, start, onNotice);
    writeTextFile(join(output, runLayout.config), stringify(context.config));
    writeRunSummary(output, { ...context, objective: shown }, phase, bert, baselines);
  }
  const wanted = metricsPosition(checkpointFolder, start);
  const own = state && start && isOwn(checkpointFolder, start);
  const saved = own ? ({ kind: "checkpoint", ...state.progress, path: start.path } as const) : undefined;
  const metrics = rank === 0 ? new MetricsLog(join(output, runLayout.metrics), wanted, saved) : undefined;
  if (metrics && metrics.position < wanted) {
    onNotice(`${metrics.path} has lost what came before the checkpoint: the curves of the report will start later`);
  }
  const trackers = metrics && (await openTrackers(config, { step: state?.progress.step ?? 0, samples }, onNotice));
  let ending: Ending = "stopped";
  try {
    const trainer: Trainer<unknown> = new Trainer({
      objective: objective.name,
      phase: phase.index,
      model,
      optimizer,
      loader,
      learningRate: plan.learningRate,
      totalTokens: plan.totalTokens,
      ...(metrics ? { metrics } : {}),
      ...(collective ? { collective, ...exchangeOf(config.optimizer, ranks) } : {}),
      checkpoints: {
        directory: checkpointFolder,
        ...plan.checkpoints,
        ...halving(plan),
        files,
        settings: context.config,
      },
      onNotice,
      ...(plan.skipPatience === undefined ? {} : { skipPatience: plan.skipPatience }),
      observer(event) {
        noticeUnfused(runtime, tell);
        trackers?.record(event);
        observe(event);
      },
      ...(batches
        ? {
            evaluation: {
              every: plan.evaluation!.every,
              criterion,
              ...(plan.evaluation!.patience === undefined ? {} : { patience: plan.evaluation!.patience }),
              score: (stopped) => heldOutScore({ learner, batches, ranks, collective, samples }, stopped),
            },
          }
        : {}),
      ...(start && state ? { resume: { ...state, checkpoint: start.path } } : {}),
    });
    const observe = context.onStart({
      phase,
      objective: shown,
      startTokens: state?.progress.tokens ?? 0,
      stop: () => trainer.stop(),
    });
    const result = await trainer.run();
    if (result.reason === "finished") ending = phase.index === context.phases.length - 1 ? "finished" : "goes on";
    return result;
  } finally {
    await trackers?.close(ending);
    await closeLoader();
    metrics?.close();
  }
}

function halving({ batches: { formerRowLength } }: RunPlan): { readonly halvedFrom?: number } {
  return formerRowLength === undefined ? {} : { halvedFrom: formerRowLength };
}

/** Steps after the checkpoint are forgotten; another run's checkpoint starts a new file. */
function metricsPosition(directory: string, start: Checkpoint | undefined): number {
  return start && isOwn(directory, start) ? trainingStateOf(start).metricsPosition : 0;
}
