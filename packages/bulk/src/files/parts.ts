/** The folder of a job's parts, beside its output: the plan, each shard's texts, and what came of each. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BulkError } from "../errors.ts";
import { jobId } from "../job.ts";
import type { BulkJob } from "../job.ts";
import { writeAtomically } from "./atomic-file.ts";

/** A text as it is computed. */
export interface ShardRecord {
  /** Path and line. */
  readonly id: string;
  readonly text: string;
  readonly tokens: number;
}

/** A text that could not be used. */
export interface SkippedRecord {
  readonly id: string;
  readonly reason: string;
}

export interface Plan {
  readonly job: BulkJob;
  readonly modelHash: string;
  /** Names of the shards: number and content. */
  readonly shards: readonly { readonly name: string; readonly records: number; readonly tokens: number }[];
  readonly records: number;
  readonly tokens: number;
  readonly skipped: number;
}

export class Parts {
  readonly folder: string;

  constructor(job: BulkJob) {
    this.folder = `${job.output}.${jobId(job)}.parts`;
  }

  get plan(): string {
    return join(this.folder, "plan.json");
  }

  get skipped(): string {
    return join(this.folder, "skipped.jsonl");
  }

  input(shard: string): string {
    return join(this.folder, `${shard}.texts.jsonl`);
  }

  result(shard: string): string {
    return join(this.folder, `${shard}.jsonl`);
  }

  async readPlan(): Promise<Plan | undefined> {
    return existsSync(this.plan) ? (JSON.parse(await readFile(this.plan, "utf8")) as Plan) : undefined;
  }

  /** @returns its name, which follows from all that its result follows from. */
  async writeShard(
    number: number,
    records: readonly ShardRecord[],
    { job, modelHash }: Pick<Plan, "job" | "modelHash">,
  ): Promise<string> {
    const text = linesOf(records);
    const { task, options, truncate, dtype, weights } = job;
    const content = createHash("sha256")
      .update(JSON.stringify({ modelHash, task, options, truncate, dtype, weights }))
      .update(text);
    const name = `${String(number).padStart(6, "0")}-${content.digest("hex").slice(0, 16)}`;
    await writeLines(this.input(name), text);
    return name;
  }

  /** @throws BulkError where the folder is not there: it is not one that all workers see. */
  async readShard(shard: string): Promise<ShardRecord[]> {
    if (!existsSync(this.input(shard)))
      throw new BulkError(
        `expected ${this.input(shard)}, got no such file: the folder of the output must be one that all workers see under the same path`,
      );
    return readLines<ShardRecord>(this.input(shard));
  }
}

export function linesOf(records: readonly object[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join("");
}

export async function writeLines(path: string, text: string): Promise<void> {
  await writeAtomically(path, async (file) => void (await file.writeFile(text)));
}

export async function readLines<Record>(path: string): Promise<Record[]> {
  const text = await readFile(path, "utf8");
  return text === ""
    ? []
    : text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Record);
}
