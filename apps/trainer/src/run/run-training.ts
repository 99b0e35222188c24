/** A whole run from its configuration: data, backend, model, optimizer, schedule; then the loop; then the finished model and report. */
import { join } from "node:path";
import { eachOnce, noticeUnfused, openRuntime } from "@modernbert-ts/pipelines";
import {
  AveragedOptimizer,
  batchesOf,
  createOptimizer,
  evaluateUnless,
  freeze,
  loaderStateOf,
  MetricsLog,
  objectiveOf,
  objectives,
  restoreTraining,
  Trainer,
  trainingStateOf,
} from "@modernbert-ts/training";
import type { Checkpoint, Objective, Score, TrainingEvent, TrainingResult } from "@modernbert-ts/training";
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
import { checkParameterNames } from "./parameter-names.ts";
import { planOf } from "./plan.ts";
import type { RunPlan } from "./plan.ts";
import { inUsersWords } from "./users-words.ts";
import { findStart, isOwn, setLaterAside } from "./resume.ts";
import { runLayout } from "../run-folder.ts";
import { writeRunSummary } from "./write-summary.ts";
import { openTrainingData, verifyShards } from "./training-data.ts";

export interface RunOptions {
  /** `auto` or the path of a checkpoint; a new run when absent. */
  readonly resume?: string;
  /** Gets one line for everything that a person should know before training starts. */
  readonly onNotice: (notice: string) => void;
  /** Called once, when the loop is about to start. The returned function gets every event. */
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
  /** Folder of the finished model and path of the report; undefined when the run was stopped. */
  readonly modelFolder: string | undefined;
  readonly report: string | undefined;
}

/** @throws UserError, ConfigError, DataError, CheckpointError, DivergenceError and those of the backend: all one line. */
export async function runTraining(config: TrainerConfig, options: RunOptions): Promise<RunResult> {
  const lock = lockFolder(config.output);
  try {
    return await trainIn(config, options);
  } finally {
    lock.release();
  }
}

/** The folder is this process's own. */
async function trainIn(config: TrainerConfig, options: RunOptions): Promise<RunResult> {
  const { output } = config;
  const objective = objectiveNamed(config.objective);
  const checkpointFolder = join(output, runLayout.checkpoints);
  const start = await findStart(checkpointFolder, options.resume, options.onNotice);
  if (start) {
    const saved = trainingStateOf(start);
    if (saved.objective !== objective.name)
      throw new UserError(
        `${start.path} was trained for ${saved.objective}, not ${objective.name}: set objective back, or another output for a new run`,
      );
    for (const line of changedSettings(saved.settings, config)) options.onNotice(line);
  }
  const data = await openTrainingData(config.data.path);
  if (config.data.verify) await verifyShards(data);
  const plan = planOf(config, objective, data);
  const { threads, cpu_engine: cpuEngine } = config;
  const tell = eachOnce(options.onNotice);
  await using open = await openRuntime({
    backend: config.backend,
    cpuEngine,
    ...(threads === undefined ? {} : { threads }),
    precision: plan.precision,
    onNotice: tell,
  });
  const { choice, runtime } = open;
  tell(choice.reason);
  const bert = await createModel(runtime, config, data, objective, plan.precision, tell);
  checkParameterNames(config, [...bert.parameters.keys()]);
  const whole = objective.model(bert, { seed: config.seed });
  const model = config.model.freeze.length > 0 ? freeze(whole, config.model.freeze) : whole;
  const plain = createOptimizer(config.optimizer.kind, model, plan.optimizer);
  const { ema_decay: decay } = config.optimizer;
  const average = decay === undefined ? undefined : new AveragedOptimizer(plain, model, decay);
  const optimizer = average ?? plain;
  const state = start && (await restoreTraining(start, model, optimizer));
  const settings = settingsOf(config, objective);
  const training = { store: data.train, roles: data.roles };
  const loader = inUsersWords(() =>
    objective.loader(training, plan.batches, settings.training, state && loaderStateOf(state)),
  );
  const { evaluation } = plan;
  const batches =
    evaluation &&
    (() =>
      batchesOf(
        objective.loader({ store: evaluation.store, roles: data.roles }, evaluation.batches, settings.evaluation),
        evaluation.count,
      ));
  const baselines = batches ? objective.baselines(training, batches()) : [];
  const score = (stopped: () => boolean): Promise<Score | undefined> => {
    const body = (): Promise<Score | undefined> => evaluateUnless(stopped, model, batches!());
    return average ? average.withAverage(body) : body();
  };
  if (start) setLaterAside(checkpointFolder, start, options.onNotice);
  writeTextFile(join(output, runLayout.config), stringify(config));
  writeRunSummary(output, { config, choice, model: bert, data, plan, objective, baselines });
  const wanted = metricsPosition(checkpointFolder, start);
  const metrics = new MetricsLog(join(output, runLayout.metrics), wanted);
  if (metrics.position < wanted) {
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
      metrics,
      checkpoints: {
        directory: checkpointFolder,
        ...plan.checkpoints,
        files: modelFiles(bert.config, objective.head, data.tokenizer),
        settings: config,
      },
      onNotice: options.onNotice,
      ...(plan.skipPatience === undefined ? {} : { skipPatience: plan.skipPatience }),
      observer(event) {
        noticeUnfused(runtime, tell);
        observe(event);
      },
      ...(batches ? { evaluation: { every: evaluation!.every, score } } : {}),
      ...(start && state ? { resume: { ...state, checkpoint: start.path } } : {}),
    });
    const observe = options.onStart({
      plan,
      objective,
      startTokens: state?.progress.tokens ?? 0,
      stop: () => trainer.stop(),
    });
    const result = await trainer.run();
    if (result.reason === "stopped") return { ...result, objective, modelFolder: undefined, report: undefined };
    const modelFolder = join(output, runLayout.model);
    await exportCheckpoint(result.checkpoint!, modelFolder, { overwrite: true });
    return { ...result, objective, modelFolder, report: writeReport(output) };
  } finally {
    metrics.close();
    optimizer.dispose();
    bert.dispose();
  }
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
