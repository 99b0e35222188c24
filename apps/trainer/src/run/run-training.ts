/** A whole run from its configuration: data, backend, model, optimizer, schedule; then the loop; then the finished model and report. */
import { join } from "node:path";
import { eachOnce, noticeUnfused, openRuntime } from "@modernbert-ts/pipelines";
import {
  batchesOf,
  evaluate,
  evaluateUnless,
  gatherJson,
  loaderStateOf,
  MetricsLog,
  objectiveOf,
  objectives,
  openCheckpoint,
  restoreTraining,
  StableAdamW,
  Trainer,
  trainingStateOf,
} from "@modernbert-ts/training";
import type { Checkpoint, Objective, TrainingEvent, TrainingResult } from "@modernbert-ts/training";
import type { Collective, Runtime } from "@modernbert-ts/tensor-core";
import { stringify } from "yaml";
import type { TrainerConfig } from "../config/config.ts";
import { settingsOf } from "../config/objective-settings.ts";
import { exportCheckpoint } from "./export-model.ts";
import { UsageError, UserError } from "../errors.ts";
import { writeReport } from "../report/write-report.ts";
import { writeTextFile } from "../write-file.ts";
import { changedSettings } from "./changed-settings.ts";
import { lockFolder } from "./lock.ts";
import { createModel } from "./model.ts";
import { modelFiles } from "./model-files.ts";
import { planOf } from "./plan.ts";
import type { RunPlan } from "./plan.ts";
import { alone, backendOf, shareOf } from "./ranks.ts";
import type { RunRanks } from "./ranks.ts";
import { inUsersWords } from "./users-words.ts";
import { findStart, isOwn, setLaterAside } from "./resume.ts";
import { runLayout } from "../run-folder.ts";
import { writeRunSummary } from "./write-summary.ts";
import { openData } from "./open-data.ts";

export interface RunOptions {
  /** `auto` or the path of a checkpoint; a new run when absent. */
  readonly resume?: string;
  /** Those that train together, each with this configuration and these options. Default: this process alone. */
  readonly ranks?: RunRanks;
  /** Gets one line for everything that a person should know before training starts; on rank 0 only. */
  readonly onNotice: (notice: string) => void;
  /** Called once, when the loop is about to start. The returned function gets every event, on rank 0. */
  readonly onStart: (start: RunStart) => (event: TrainingEvent) => void;
}

export interface RunStart {
  readonly plan: RunPlan;
  readonly objective: Objective;
  readonly startTokens: number;
  /** Finishes the step, saves and returns. */
  readonly stop: () => void;
}

export interface RunResult extends TrainingResult {
  readonly objective: Objective;
  /** Folder of the finished model and path of the report; undefined when the run was stopped, and on ranks other than 0. */
  readonly modelFolder: string | undefined;
  readonly report: string | undefined;
}

/**
 * With several ranks, 0 alone locks the folder, writes into it and gives notices; who calls this gives up for all of them when it throws.
 * @throws UserError, ConfigError, DataError, CheckpointError, DivergenceError and those of the backend: all one line.
 */
export async function runTraining(config: TrainerConfig, options: RunOptions): Promise<RunResult> {
  const { ranks = alone, onNotice } = options;
  const lock = ranks.rank === 0 ? lockFolder(config.output) : undefined;
  try {
    return await trainIn(config, { ...options, ranks, onNotice: ranks.rank === 0 ? onNotice : () => undefined });
  } finally {
    lock?.release();
  }
}

/** The folder is these processes' own. */
async function trainIn(config: TrainerConfig, options: RunOptions & { readonly ranks: RunRanks }): Promise<RunResult> {
  const { output } = config;
  const { ranks } = options;
  const { rank, world } = ranks;
  const objective = objectiveNamed(config.objective);
  const checkpointFolder = join(output, runLayout.checkpoints);
  const found = rank === 0 ? await findStart(checkpointFolder, options.resume, options.onNotice) : undefined;
  if (found) {
    const saved = trainingStateOf(found);
    if (saved.objective !== objective.name)
      throw new UserError(
        `${found.path} was trained for ${saved.objective}, not ${objective.name}: set objective back, or another output for a new run`,
      );
    for (const line of changedSettings(saved.settings, config)) options.onNotice(line);
  }
  const data = await openData(config, objective, options.onNotice);
  const plan = planOf(config, objective, data);
  const tell = eachOnce(options.onNotice);
  await using open = await openRuntime({
    ...backendOf(config, ranks),
    precision: plan.precision,
    onNotice: tell,
  });
  const { choice, runtime } = open;
  tell(choice.reason);
  const collective = ranks.collective(choice.backend);
  const start = collective ? await sharedStart(runtime, collective, found) : found;
  const bert = await createModel(runtime, config, data, objective, plan.precision, tell);
  const settings = settingsOf(config, objective);
  const model = objective.model(bert, { seed: config.seed }, settings.training);
  const shown = { ...objective, metrics: [...model.metrics, ...(model.heldOut?.metrics ?? [])] };
  const optimizer = new StableAdamW(model, plan.optimizer);
  const state = start && (await restoreTraining(start, model, optimizer));
  const training = { store: data.train, roles: data.roles };
  const loader = inUsersWords(() =>
    objective.loader(
      training,
      { ...plan.batches, rank, world },
      settings.training,
      state && loaderStateOf(state, rank, world),
    ),
  );
  const { evaluation } = plan;
  const batches =
    evaluation &&
    (() =>
      batchesOf(
        objective.loader({ store: evaluation.store, roles: data.roles }, evaluation.batches, settings.evaluation),
        evaluation.count,
      ));
  if (rank === 0) {
    const baselines = batches ? objective.baselines(training, batches(), settings.evaluation) : [];
    if (start) setLaterAside(checkpointFolder, start, options.onNotice);
    writeTextFile(join(output, runLayout.config), stringify(config));
    writeRunSummary(output, { config, choice, model: bert, data, plan, objective: shown, baselines });
  }
  const wanted = metricsPosition(checkpointFolder, start);
  const metrics = rank === 0 ? new MetricsLog(join(output, runLayout.metrics), wanted) : undefined;
  if (metrics && metrics.position < wanted) {
    options.onNotice(
      `${metrics.path} has lost what came before the checkpoint: the curves of the report will start later`,
    );
  }
  try {
    const trainer: Trainer<unknown> = new Trainer({
      objective: objective.name,
      model,
      optimizer,
      loader,
      learningRate: plan.learningRate,
      totalTokens: plan.totalTokens,
      ...(metrics ? { metrics } : {}),
      ...(collective ? { collective } : {}),
      checkpoints: {
        directory: checkpointFolder,
        ...plan.checkpoints,
        files: {
          ...modelFiles(bert.config, objective.head, data.tokenizer),
          ...objective.files?.(bert, settings.training, config.data.max_length),
        },
        settings: config,
      },
      onNotice: options.onNotice,
      observer(event) {
        noticeUnfused(runtime, tell);
        observe(event);
      },
      ...(batches
        ? {
            evaluation: {
              every: evaluation!.every,
              score: (stopped) =>
                collective
                  ? evaluate(model, shareOf(batches(), ranks), collective)
                  : evaluateUnless(stopped, model, batches()),
            },
          }
        : {}),
      ...(start && state ? { resume: { ...state, checkpoint: start.path } } : {}),
    });
    const observe = options.onStart({
      plan,
      objective: shown,
      startTokens: state?.progress.tokens ?? 0,
      stop: () => trainer.stop(),
    });
    const result = await trainer.run();
    if (result.reason === "stopped" || rank > 0)
      return { ...result, objective: shown, modelFolder: undefined, report: undefined };
    const modelFolder = join(output, runLayout.model);
    await exportCheckpoint(result.checkpoint!, modelFolder, { overwrite: true });
    return { ...result, objective: shown, modelFolder, report: writeReport(output) };
  } finally {
    metrics?.close();
    optimizer.dispose();
    bert.dispose();
  }
}

/** The checkpoint that rank 0 found, on every rank. @throws CheckpointError where another does not see it. */
async function sharedStart(
  runtime: Runtime,
  collective: Collective,
  found: Checkpoint | undefined,
): Promise<Checkpoint | undefined> {
  const [path] = (await gatherJson(runtime, collective, found?.path ?? null)) as [string | null];
  if (collective.rank === 0 || path === null) return found;
  return openCheckpoint(path);
}

/** @throws UsageError that names the known ones. */
function objectiveNamed(name: string): Objective {
  const objective = objectiveOf(name);
  if (objective) return objective;
  const known = objectives.map((each) => each.name).join(", ");
  throw new UsageError(`expected objective to be one of ${known}, got ${name}`);
}

/** Steps after the checkpoint are forgotten; another run's checkpoint starts a new file. */
function metricsPosition(directory: string, start: Checkpoint | undefined): number {
  return start && isOwn(directory, start) ? trainingStateOf(start).metricsPosition : 0;
}
