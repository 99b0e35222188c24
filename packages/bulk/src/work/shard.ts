/** Computes a shard, unless its result is there already. */
import { existsSync } from "node:fs";
import { runTask } from "@modernbert-ts/pipelines";
import { BulkError } from "../errors.ts";
import { linesOf, Parts, writeLines } from "../files/parts.ts";
import type { Plan, ShardRecord } from "../files/parts.ts";
import type { ResultRecord } from "../files/output.ts";
import { taskOfJob } from "../job.ts";
import type { OpenedModel } from "./models.ts";

/** Tokens of one forward pass, after which progress is told. */
const passTokens = 8192;

/** @param onProgress gets the share that is done. @throws BulkError where this worker's model is not the planner's. */
export async function computeShard(
  plan: Plan,
  name: string,
  open: () => Promise<OpenedModel>,
  onProgress: (share: number) => Promise<void>,
): Promise<void> {
  const { job } = plan;
  const parts = new Parts(job);
  if (existsSync(parts.result(name))) return;
  const { pipeline, hash } = await open();
  if (hash !== plan.modelHash)
    throw new BulkError(
      `expected ${job.model} as on the worker that read the texts, got other files: give all workers the same`,
    );
  const records = await parts.readShard(name);
  const options = { ...job.options, truncate: job.truncate, maxTokensPerPack: passTokens };
  const results: ResultRecord[] = [];
  for (const some of passes(records)) {
    const answers = await runTask(
      taskOfJob(job),
      pipeline,
      some.map(({ text }) => text),
      options,
    );
    answers.forEach((answer, at) => void results.push({ id: some[at]!.id, ...resultOf(answer) }));
    await onProgress(results.length / records.length);
  }
  await writeLines(parts.result(name), linesOf(results));
}

function resultOf(answer: unknown): Omit<ResultRecord, "id"> {
  return answer instanceof Float32Array ? { embedding: Array.from(answer, shortest) } : { answer };
}

/** Nine digits bring back the same f32. */
function shortest(value: number): number {
  return Number(value.toPrecision(9));
}

/** Neighbours of together at most `passTokens`. */
function* passes(records: readonly ShardRecord[]): Generator<ShardRecord[]> {
  let some: ShardRecord[] = [];
  let tokens = 0;
  for (const record of records) {
    if (some.length > 0 && tokens + record.tokens > passTokens) {
      yield some;
      [some, tokens] = [[], 0];
    }
    some.push(record);
    tokens += record.tokens;
  }
  if (some.length > 0) yield some;
}
