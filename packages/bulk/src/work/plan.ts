/** Reads a job's files once: texts that can be used in shards of about so many tokens, each a file, and last the plan that names them. */
import { mkdir, rm } from "node:fs/promises";
import { idsOf } from "@modernbert-ts/encoder";
import { fileSha256 } from "@modernbert-ts/training";
import { BulkError } from "../errors.ts";
import { linesOf, Parts, writeLines } from "../files/parts.ts";
import type { Plan, ShardRecord, SkippedRecord } from "../files/parts.ts";
import { readTexts } from "../files/read-texts.ts";
import type { TextRecord } from "../files/read-texts.ts";
import { taskOfJob } from "../job.ts";
import type { BulkJob, BulkProgress } from "../job.ts";
import type { OpenedModel } from "./models.ts";

type OnProgress = (progress: BulkProgress) => Promise<void>;

/**
 * A plan that is there is taken as it is. What fails leaves nothing.
 * @throws BulkError for files that have changed since the job was made, and for the first text that cannot be used unless those are skipped.
 */
export async function planJob(job: BulkJob, model: OpenedModel, onProgress: OnProgress): Promise<Plan> {
  const parts = new Parts(job);
  const known = await parts.readPlan();
  if (known) return known;
  for (const { path, sha256 } of job.inputs)
    if ((await fileSha256(path)) !== sha256)
      throw new BulkError(
        `expected ${path} as it was when the job was made, got another content: submit the job again`,
      );
  try {
    return await makePlan(job, model, onProgress);
  } catch (error) {
    await rm(parts.folder, { recursive: true, force: true });
    throw error;
  }
}

async function makePlan(
  job: BulkJob,
  { pipeline, hash: modelHash }: OpenedModel,
  onProgress: OnProgress,
): Promise<Plan> {
  const parts = new Parts(job);
  await mkdir(parts.folder, { recursive: true });
  const shards: { name: string; records: number; tokens: number }[] = [];
  const skipped: SkippedRecord[] = [];
  let shard: ShardRecord[] = [];
  let [records, tokens, inShard] = [0, 0, 0];
  const close = async (): Promise<void> => {
    if (shard.length === 0) return;
    const name = await parts.writeShard(shards.length, shard, { job, modelHash });
    shards.push({ name, records: shard.length, tokens: inShard });
    [shard, inShard] = [[], 0];
    await onProgress({ records, tokens, skipped: skipped.length });
  };
  for await (const record of readTexts(
    job.inputs.map(({ path }) => path),
    job.field,
  )) {
    const prepared = "reason" in record ? record : await prepare(record, job, pipeline);
    if ("reason" in prepared) {
      if (job.invalid === "refuse")
        throw new BulkError(`${prepared.id}: ${prepared.reason} (or skip what cannot be used: --invalid skip)`);
      skipped.push(prepared);
      continue;
    }
    if (inShard + prepared.tokens > job.shardTokens) await close();
    shard.push(prepared);
    records++;
    tokens += prepared.tokens;
    inShard += prepared.tokens;
  }
  await close();
  if (records === 0)
    throw new BulkError(
      `expected texts in ${job.inputs.map(({ path }) => path).join(", ")}, got none that can be used`,
    );
  await writeLines(parts.skipped, linesOf(skipped));
  const plan: Plan = { job, modelHash, shards, records, tokens, skipped: skipped.length };
  await writeLines(parts.plan, JSON.stringify(plan));
  return plan;
}

/** With the number of its tokens, or why it cannot be used. */
async function prepare(
  { id, text }: TextRecord,
  job: BulkJob,
  model: OpenedModel["pipeline"],
): Promise<ShardRecord | SkippedRecord> {
  try {
    const work = await taskOfJob(job).prepare(model, text, { ...job.options, truncate: job.truncate, name: "it" });
    const [first] = work.sequences;
    return { id, text, tokens: idsOf(first!).length };
  } catch (error) {
    return { id, reason: (error as Error).message.replace(/^\[[^\]]+\] /, "") };
  }
}
