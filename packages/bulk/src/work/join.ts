/** Makes the output of all shards' results, and removes the parts. */
import { existsSync, statSync } from "node:fs";
import { copyFile, rm } from "node:fs/promises";
import { BulkError } from "../errors.ts";
import { Parts } from "../files/parts.ts";
import { writeOutput } from "../files/output.ts";
import type { BulkJob, BulkResult } from "../job.ts";

/** Where the texts stand that were skipped. */
export function skippedFile({ output }: Pick<BulkJob, "output">): string {
  return `${output}.skipped.jsonl`;
}

/**
 * @param since When the job was made, in milliseconds since 1970: parts that are gone where the output is newer were joined by a worker that did not
 * live to say so. @throws BulkError where they are gone otherwise.
 */
export async function joinShards(job: BulkJob, result: Omit<BulkResult, "output">, since: number): Promise<BulkResult> {
  const { output, task } = job;
  const parts = new Parts(job);
  const plan = await parts.readPlan();
  if (plan) {
    const results = plan.shards.map(({ name }) => parts.result(name));
    await writeOutput(output, { folder: parts.folder, results, vectors: task === "embed" });
    if (plan.skipped > 0) await copyFile(parts.skipped, skippedFile(job));
    // The plan first: without it the others mean nothing.
    await rm(parts.plan);
    await rm(parts.folder, { recursive: true, force: true });
  } else if (!existsSync(output) || statSync(output).mtimeMs < since) {
    throw new BulkError(`expected the parts of the job in ${parts.folder}, got none: submit the job again`);
  } else await rm(parts.folder, { recursive: true, force: true });
  return { output, ...result };
}
