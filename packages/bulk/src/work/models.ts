/** The model that a worker has open: the one of the last job, until another comes. */
import { createHash } from "node:crypto";
import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";
import { openPipeline } from "@modernbert-ts/pipelines";
import type { ModelOptions, Pipeline } from "@modernbert-ts/pipelines";
import { precisions } from "@modernbert-ts/tensor-core";
import { BulkError } from "../errors.ts";
import { taskOfJob } from "../job.ts";
import type { BulkJob } from "../job.ts";

/** What a worker decides for itself; all else stands in the job. */
export type DeviceOptions = Pick<ModelOptions, "backend" | "threads" | "onNotice">;

export interface OpenedModel {
  readonly pipeline: Pipeline;
  readonly hash: string;
}

export class Models implements AsyncDisposable {
  readonly #device: DeviceOptions;
  #key = "";
  #open: OpenedModel | undefined;

  constructor(device: DeviceOptions) {
    this.#device = device;
  }

  /** @throws what opening does; BulkError where the model is not the one that the job was made for. */
  async open(job: BulkJob): Promise<OpenedModel> {
    const { model, task, dtype, weights } = job;
    const key = JSON.stringify([model, job.modelHash, task, dtype, weights]);
    if (this.#open && key === this.#key) return this.#open;
    await this[Symbol.asyncDispose]();
    // What runs on any head needs none.
    const head = taskOfJob(job).heads.includes("none") ? ({ head: "none" } as const) : {};
    const pipeline = await openPipeline(model, {
      ...this.#device,
      ...head,
      precision: precisions[dtype],
      ...(weights === null ? {} : { weights }),
    });
    try {
      const hash = await modelHash(pipeline.folder);
      if (job.modelHash !== null && job.modelHash !== hash)
        throw new BulkError(`expected ${model} as it was when the job was made, got other files: submit the job again`);
      this.#open = { pipeline, hash };
      this.#key = key;
      return this.#open;
    } catch (error) {
      await pipeline[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.pipeline[Symbol.asyncDispose]();
    this.#open = undefined;
  }
}

/** SHA-256 of the names and contents of a folder's JSON and weights, those of modules below it included. */
export async function modelHash(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(json|safetensors)$/.test(name),
  );
  for (const name of names.sort()) {
    hash.update(`\0${name}\0`);
    for await (const bytes of createReadStream(join(folder, name), { highWaterMark: 1 << 20 }))
      hash.update(bytes as Buffer);
  }
  return hash.digest("hex");
}
