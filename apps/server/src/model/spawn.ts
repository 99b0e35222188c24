/** Starts the worker's built file: worker threads run JavaScript, so from source (in tests) it is taken from dist. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { StartError } from "../errors.ts";
import type { WorkerData } from "./protocol.ts";

const besides = new URL("./worker.js", import.meta.url);
const built = new URL("../../dist/model/worker.js", import.meta.url);
const file = import.meta.url.endsWith(".ts") ? built : besides;

export function spawnWorker(workerData: WorkerData): Worker {
  if (!existsSync(file)) throw new StartError(`${fileURLToPath(file)} is missing: build @modernbert-ts/server first`);
  return new Worker(file, { workerData, execArgv: [], name: "model" });
}
