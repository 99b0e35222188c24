/** Puts a job into the queue, once however often it is asked for. */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { fileSha256 } from "@modernbert-ts/training";
import { Job } from "bullmq";
import { BulkError } from "../errors.ts";
import { checkOutput } from "../files/output.ts";
import { inputFiles } from "../files/read-records.ts";
import { jobId, parseJob } from "../job.ts";
import type { BulkJob } from "../job.ts";
import type { Connection } from "../redis.ts";
import { modelHash } from "../work/models.ts";

export interface JobRequest extends Pick<
  BulkJob,
  "task" | "options" | "dtype" | "field" | "invalid" | "truncate" | "shardTokens"
> {
  /** A folder or a hub id. */
  readonly model: string;
  readonly weights?: BulkJob["weights"] | undefined;
  /** Files, folders and globs. */
  readonly inputs: readonly string[];
  readonly output: string;
}

export interface Submitted {
  readonly id: string;
  /** It was in the queue already. */
  readonly known: boolean;
}

/** Days that a job which is done or has failed stays in the queue. */
const daysKept = 7;

/** Paths become absolute: workers must see the same files under them. @throws BulkError, DataError for what no worker could do. */
export async function makeJob(request: JobRequest): Promise<BulkJob> {
  const { model, inputs, output, weights = null, ...rest } = request;
  checkOutput(output);
  const folder = statSync(model, { throwIfNoEntry: false })?.isDirectory() ? resolve(model) : undefined;
  const files = inputFiles(inputs.map((path) => resolve(path)));
  return parseJob({
    version: 1,
    ...rest,
    model: folder ?? model,
    modelHash: folder === undefined ? null : await modelHash(folder),
    weights,
    inputs: await Promise.all(files.map(async (path) => ({ path, sha256: await fileSha256(path) }))),
    output: resolve(output),
  });
}

/**
 * One that failed is begun again, with the shards that are done; so is one whose output was removed.
 * @throws BulkError for an output that is there and is not this job's.
 */
export async function submit({ queue }: Connection, job: BulkJob): Promise<Submitted> {
  const id = jobId(job);
  const before = await Job.fromId(queue, id);
  const state = await before?.getState();
  const there = existsSync(job.output);
  if (before && (state === "failed" || (state === "completed" && !there)))
    await before.remove({ removeChildren: true });
  else if (before) return { id, known: true };
  if (there)
    throw new BulkError(`expected an output that is not there yet, got ${job.output}: remove it, or name another`);
  const age = daysKept * 24 * 3600;
  await queue.add(
    job.task,
    { job },
    {
      jobId: id,
      attempts: 5,
      backoff: { type: "exponential", delay: 1000 },
      removeOnComplete: { age },
      removeOnFail: { age },
    },
  );
  return { id, known: false };
}
