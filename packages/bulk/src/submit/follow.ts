/** Waits for a job in the queue and tells how far it is. */
import { setTimeout as sleep } from "node:timers/promises";
import { Job } from "bullmq";
import type { Queue } from "bullmq";
import { BulkError } from "../errors.ts";
import type { BulkProgress, BulkResult } from "../job.ts";
import type { Connection } from "../redis.ts";

export interface FollowOptions {
  /** Gets what has changed. */
  readonly onProgress?: (progress: BulkProgress) => void;
  /** Told once where nobody takes the job. */
  readonly onNotice?: (notice: string) => void;
  readonly signal?: AbortSignal;
}

/** Milliseconds between looks, and looks at a job that nobody takes. */
const [between, patience] = [300, 10];

/** @throws BulkError with the reason where it failed or is gone from the queue. */
export async function follow({ queue }: Connection, id: string, options: FollowOptions = {}): Promise<BulkResult> {
  const { onProgress, onNotice, signal } = options;
  let told = "";
  let alone = 0;
  for (;;) {
    signal?.throwIfAborted();
    // The state first: what a job holds by then is what belongs to it.
    const state = await queue.getJobState(id);
    const job = await Job.fromId<unknown, BulkResult>(queue, id);
    if (!job) throw new BulkError(`expected job ${id} in the queue, got none: submit it again`);
    const progress = JSON.stringify(job.progress);
    if (progress !== told && typeof job.progress === "object") onProgress?.(job.progress as BulkProgress);
    told = progress;
    if (state === "completed") return job.returnvalue;
    if (state === "failed") throw new BulkError(await reasonOf(job, queue));
    if (state === "waiting" && (await queue.getWorkersCount()) === 0 && ++alone === patience)
      onNotice?.("nobody takes jobs from this queue yet: start `modernbert-serve worker --queue …` beside it");
    await sleep(between, undefined, signal ? { signal } : {});
  }
}

/** Of the first shard that failed, where one did. */
async function reasonOf(job: Job, queue: Queue): Promise<string> {
  const reasons = Object.values(await job.getIgnoredChildrenFailures().catch(() => ({})));
  const { failed = [] } = await job.getDependencies({ failed: { count: 1 } }).catch(() => ({ failed: [] as string[] }));
  const child = failed[0] === undefined ? undefined : await Job.fromId(queue, failed[0].split(":").at(-1)!);
  const reason = child?.failedReason ?? reasons[0] ?? job.failedReason;
  return reason.replace(/^\[bulk\] /, "");
}
