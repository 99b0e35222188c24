/**
 * Takes jobs from the queue. A job is read into shards, which are jobs of their own for all workers, and waits for them; then it is joined. A worker
 * that dies holds its job for no longer than a lock lives: another takes it, and finds done what is done.
 */
import { Job, UnrecoverableError, WaitingChildrenError, Worker } from "bullmq";
import type { Queue } from "bullmq";
import { BulkError } from "../errors.ts";
import { Parts } from "../files/parts.ts";
import { parseJob } from "../job.ts";
import type { BulkJob, BulkProgress, BulkResult } from "../job.ts";
import { connect, queueName } from "../redis.ts";
import { joinShards } from "./join.ts";
import { Models } from "./models.ts";
import type { DeviceOptions } from "./models.ts";
import { planJob } from "./plan.ts";
import { computeShard } from "./shard.ts";

export interface WorkerOptions extends DeviceOptions {
  /** Gets what a person should know, line by line. */
  readonly onNotice: (notice: string) => void;
  /** Seconds after which a job of a worker that is dead or stuck goes to another. */
  readonly lockSeconds: number;
}

interface ParentData {
  readonly job: unknown;
  /** Once the shards are in the queue. */
  readonly sums?: Omit<BulkResult, "output">;
}

interface ShardData {
  readonly job: BulkJob;
  readonly shard: string;
}

/** How often a job is tried, and how often it may lose its worker. */
const [attempts, deaths] = [5, 10];

/** Seconds that shards stay in the queue once they are done. */
const shardsKept = 3600;

/** Works until it is disposed, which waits for the job under way. @throws BulkError where no Redis answers at the beginning. */
export async function startWorker(url: string, options: WorkerOptions): Promise<AsyncDisposable> {
  const { lockSeconds, onNotice } = options;
  const connection = await connect(url, onNotice);
  const models = new Models(options);
  const worker = new Worker(
    queueName,
    (job, token) =>
      recoverable((): Promise<BulkResult | void> =>
        job.name === "shard" ? shard(job, models, connection.queue) : whole(job, token!, models, connection.queue),
      ),
    {
      connection: connection.redis,
      lockDuration: lockSeconds * 1000,
      stalledInterval: lockSeconds * 1000,
      maxStalledCount: deaths,
    },
  );
  // What the connection says is enough.
  worker.on("error", () => undefined);
  worker.on("completed", ({ id }, result: unknown) =>
    onNotice(`${id}: done${result ? ` (${(result as BulkResult).output})` : ""}`),
  );
  worker.on("failed", (job, { message }) => onNotice(`${job?.id}: ${message}`));
  worker.on("stalled", (id) => onNotice(`${id}: its worker is gone, so it is to be taken again`));
  await worker.waitUntilReady();
  return {
    async [Symbol.asyncDispose]() {
      await worker.close();
      await models[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}

async function whole(job: Job<ParentData, unknown>, token: string, models: Models, queue: Queue): Promise<BulkResult> {
  const bulk = parseJob(job.data.job);
  if (!job.data.sums) {
    const progress = (value: BulkProgress): Promise<void> => job.updateProgress({ ...value });
    const plan = await planJob(bulk, await models.open(bulk), progress);
    const { records, tokens, skipped, shards } = plan;
    const parent = { id: job.id!, queue: queue.qualifiedName };
    await queue.addBulk(
      shards.map(({ name }) => ({
        name: "shard",
        data: { job: bulk, shard: name } satisfies ShardData,
        opts: {
          jobId: `${job.id}-${name}`,
          parent,
          attempts,
          backoff: { type: "exponential", delay: 1000 },
          failParentOnFailure: true,
          removeOnComplete: { age: shardsKept },
        },
      })),
    );
    await job.updateData({ ...job.data, sums: { records, tokens, skipped } });
    await progress({ records, tokens, skipped, shards: shards.length, done: 0 });
  }
  if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError();
  return joinShards(bulk, job.data.sums!, job.timestamp);
}

async function shard(job: Job<ShardData>, models: Models, queue: Queue): Promise<void> {
  const { job: bulk, shard: name } = job.data;
  const plan = await new Parts(bulk).readPlan();
  if (!plan)
    throw new BulkError(
      `expected ${new Parts(bulk).plan}, got no such file: the folder of the output must be one that all workers see under the same path`,
    );
  await computeShard(
    plan,
    name,
    () => models.open(bulk),
    (share) => job.updateProgress(share),
  );
  const parent = await Job.fromId(queue, job.parent!.id!);
  const { processed = 0 } = (await parent?.getDependenciesCount({ processed: true })) ?? {};
  const { records, tokens, skipped, shards } = plan;
  await parent?.updateProgress({ records, tokens, skipped, shards: shards.length, done: processed + 1 });
}

/** What trying again cannot mend is not tried again: whatever this project says of inputs, models and jobs. Errors of the system are. */
async function recoverable<Result>(body: () => Promise<Result>): Promise<Result> {
  try {
    return await body();
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    if (message.startsWith("[") && code !== "io") throw new UnrecoverableError(message);
    throw error;
  }
}
