/** A whole run from its configuration: where it begins, its phases one after another, then the finished model and the report. */
import { join } from "node:path";
import { eachOnce, openRuntime } from "@modernbert-ts/pipelines";
import {
  bestCheckpoints,
  DivergenceError,
  gatherJson,
  isAdapter,
  objectiveOf,
  objectives,
  openCheckpoint,
  trainingStateOf,
} from "@modernbert-ts/training";
import type { Checkpoint, Objective, TrainingEvent, TrainingResult } from "@modernbert-ts/training";
import type { Collective, Runtime } from "@modernbert-ts/tensor-core";
import type { TrainerConfig } from "../config/config.ts";
import { exportAdapter, exportCheckpoint } from "./output/export-model.ts";
import { UsageError, UserError } from "../errors.ts";
import { writeReport } from "../report/write-report.ts";
import { runLayout } from "../run-folder.ts";
import { changedSettings, expectSameShape } from "./output/changed-settings.ts";
import { lockFolder } from "./output/lock.ts";
import { phaseToGoOn, planPhases } from "./plan/phases.ts";
import type { RunPlan } from "./plan/plan.ts";
import { alone, backendOf } from "./ranks/ranks.ts";
import type { RunRanks } from "./ranks/ranks.ts";
import { findStart } from "./output/resume.ts";
import { trainWithRoom } from "./phase/train-with-room.ts";

export interface RunOptions {
  /** `auto` or the path of a checkpoint; a new run when absent. */
  readonly resume?: string;
  /** Those that train together, each with this configuration and these options. Default: this process alone. */
  readonly ranks?: RunRanks;
  /** Gets one line for everything that a person should know before training starts; on rank 0 only. */
  readonly onNotice: (notice: string) => void;
  /** Called for each phase, when its loop is about to start. The returned function gets its events, on rank 0. */
  readonly onStart: (start: RunStart) => (event: TrainingEvent) => void;
}

export interface RunStart {
  /** Of this phase; its `totalTokens` is where the phase ends. */
  readonly plan: RunPlan;
  /** Its name, its number from 1, and how many there are. */
  readonly phase: { readonly name: string; readonly number: number; readonly count: number };
  /** Of all phases. */
  readonly totalTokens: number;
  readonly objective: Objective;
  readonly startTokens: number;
  /** Finishes the step, saves and returns. */
  readonly stop: () => void;
}

export interface RunResult extends TrainingResult {
  readonly objective: Objective;
  /** The checkpoint that the finished model is: the last, or with `evaluation.patience` the best. */
  readonly exported: string | undefined;
  /** Folder of the finished model and path of the report; undefined when the run was stopped, and on ranks other than 0. */
  readonly modelFolder: string | undefined;
  /** Whether that holds the moving average of the weights. */
  readonly averaged: boolean;
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
  const { ranks, onNotice } = options;
  const objective = objectiveNamed(config.objective);
  const checkpointFolder = join(output, runLayout.checkpoints);
  const found = ranks.rank === 0 ? await findStart(checkpointFolder, options.resume, onNotice) : undefined;
  if (found) {
    const saved = trainingStateOf(found);
    if (saved.objective !== objective.name)
      throw new UserError(
        `${found.path} was trained for ${saved.objective}, not ${objective.name}: set objective back, or another output for a new run`,
      );
    expectSameShape(saved.settings, config);
    for (const line of changedSettings(saved.settings, config)) onNotice(line);
  }
  const phases = await planPhases(config, objective, onNotice);
  const tell = eachOnce(onNotice);
  await using open = await openRuntime({
    ...backendOf(config, ranks),
    precision: phases[0]!.plan.precision,
    onNotice: tell,
  });
  const { choice, runtime } = open;
  tell(choice.reason);
  const collective = ranks.collective(choice.backend);
  let start = collective ? await sharedStart(runtime, collective, found) : found;
  let stopping = false;
  /** With the metrics that it has on these data. */
  let shown = objective;
  const { totalTokens } = phases.at(-1)!.plan;
  const context = { config, objective, phases, runtime, choice, collective, ranks, onNotice, tell };
  for (let { index } = start ? phaseToGoOn(phases, trainingStateOf(start)) : phases[0]!; ; index++) {
    const result: TrainingResult = await trainWithRoom(
      {
        ...context,
        onStart({ phase: { name, plan }, objective: made, startTokens, stop }) {
          shown = made;
          return options.onStart({
            plan,
            phase: { name, number: index + 1, count: phases.length },
            totalTokens,
            objective: shown,
            startTokens,
            stop() {
              stopping = true;
              stop();
            },
          });
        },
      },
      phases[index]!,
      start,
    ).catch(sayNotExported);
    const last = index === phases.length - 1;
    if (!last && result.reason === "finished" && !stopping) {
      start = await openCheckpoint(result.checkpoint!);
      continue;
    }
    const reason = last ? result.reason : "stopped";
    if (reason === "stopped" || ranks.rank > 0)
      return {
        ...result,
        reason,
        objective: shown,
        exported: undefined,
        modelFolder: undefined,
        averaged: false,
        report: undefined,
      };
    const modelFolder = join(output, runLayout.model);
    const exported = exportedOf(checkpointFolder, result);
    const averaged = await exportCheckpoint(exported, modelFolder, { overwrite: true });
    if (isAdapter(exported)) await exportAdapter(exported, join(output, runLayout.adapter), { overwrite: true });
    return { ...result, objective: shown, exported, modelFolder, averaged, report: writeReport(output) };
  }
}

function exportedOf(folder: string, { best, checkpoint }: TrainingResult): string {
  return (best && bestCheckpoints(folder, 1, best)[0]?.path) ?? checkpoint!;
}

/** What a run that has come apart leaves are its checkpoints. */
function sayNotExported(error: unknown): never {
  if (error instanceof DivergenceError) error.message += "; nothing was exported";
  throw error;
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
