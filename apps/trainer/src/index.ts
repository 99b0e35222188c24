/** What `modernbert-train` does, for programs: configuration, preparation, runs, export and report. */
export { prepare } from "./commands/prepare.ts";
export type { PrepareOptions, PrepareProgress, PrepareResult } from "./prepare/options.ts";
export { checkpointAt, exportCheckpoint } from "./run/output/export-model.ts";
export type { ExportOptions } from "./run/output/export-model.ts";
export type { TrainerConfig } from "./config/config.ts";
export { checkConfig, readConfig } from "./config/read-config.ts";
export { writeBrownData } from "./quickstart/brown-data.ts";
export type { BrownData, BrownDataOptions } from "./quickstart/brown-data.ts";
export { configTemplate } from "./config/template.ts";
export { UsageError, UserError } from "./errors.ts";
export { lockFolder } from "./run/output/lock.ts";
export type { Lock } from "./run/output/lock.ts";
export { writeReport } from "./report/write-report.ts";
export { runTraining } from "./run/run-training.ts";
export type { RunOptions, RunResult, RunStart } from "./run/run-training.ts";
export type { RunPlan } from "./run/plan/plan.ts";
export { writeTextFile } from "./write-file.ts";
