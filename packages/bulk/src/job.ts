/** What a job is: a model, a task and files of texts, by paths that all workers see. Its id follows from all of it, so the same job is one job. */
import { createHash } from "node:crypto";
import { weightFormats } from "@modernbert-ts/encoder";
import type { WeightFormat } from "@modernbert-ts/encoder";
import { taskOf } from "@modernbert-ts/pipelines";
import type { Task, TaskName } from "@modernbert-ts/pipelines";
import { precisions } from "@modernbert-ts/tensor-core";
import type { PrecisionName } from "@modernbert-ts/tensor-core";
import { z } from "zod";
import { BulkError } from "./errors.ts";

/** Tasks of which an input is one text. */
export type BulkTask = Extract<TaskName, "embed" | "classify" | "fill-mask" | "pseudo-log-likelihood">;

const bulkTasks: readonly BulkTask[] = ["embed", "classify", "fill-mask", "pseudo-log-likelihood"];

export interface BulkJob {
  readonly version: 1;
  /** A folder by its absolute path, or a hub id. */
  readonly model: string;
  /** Of a folder's files, see `modelHash`; null for a hub id. */
  readonly modelHash: string | null;
  readonly task: BulkTask;
  /** Of the task, as its functions take them. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly dtype: PrecisionName;
  readonly weights: WeightFormat | null;
  readonly inputs: readonly { readonly path: string; readonly sha256: string }[];
  /** Of records, where the text stands. */
  readonly field: string;
  /** What becomes of a text that cannot be used. */
  readonly invalid: "refuse" | "skip";
  /** Cut texts that are longer than the model's maximum; otherwise they cannot be used. */
  readonly truncate: boolean;
  readonly shardTokens: number;
  /** Ends in .jsonl or .parquet. */
  readonly output: string;
}

const jobSchema: z.ZodType<BulkJob, unknown> = z.strictObject({
  version: z.literal(1),
  model: z.string().min(1),
  modelHash: z.string().nullable(),
  task: z.enum(bulkTasks),
  options: z.record(z.string(), z.json()),
  dtype: z.enum(Object.keys(precisions) as PrecisionName[]),
  weights: z.enum(weightFormats).nullable(),
  inputs: z.array(z.strictObject({ path: z.string(), sha256: z.string() })).min(1),
  field: z.string(),
  invalid: z.enum(["refuse", "skip"]),
  truncate: z.boolean(),
  shardTokens: z.int().min(1),
  output: z.string(),
});

/** What is there when a job is done. */
export interface BulkResult {
  readonly output: string;
  readonly records: number;
  readonly tokens: number;
  readonly skipped: number;
}

/** How far a job is, as its progress in the queue says. */
export interface BulkProgress {
  /** Texts that were read; all of them once `shards` is known. */
  readonly records: number;
  readonly tokens: number;
  readonly skipped: number;
  /** Of the texts. */
  readonly shards?: number;
  readonly done?: number;
}

/** @throws BulkError for data of another program, or of another version of this one. */
export function parseJob(data: unknown): BulkJob {
  const { success, data: job, error } = jobSchema.safeParse(data);
  if (success) return job;
  const [issue] = error.issues;
  throw new BulkError(
    `expected a job of version 1, got ${issue!.message} in ${issue!.path.join(".") || "it"}: use one version of modernbert-ts for all that share the queue`,
  );
}

export function jobId(job: BulkJob): string {
  return `${job.task}-${createHash("sha256").update(JSON.stringify(job)).digest("hex").slice(0, 24)}`;
}

/** The job's task; its options stand in the job. */
export function taskOfJob({ task }: BulkJob): Task<string, object, unknown, unknown> {
  return taskOf(task) as Task<string, object, unknown, unknown>;
}
