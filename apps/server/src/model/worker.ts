/** The worker thread that owns runtime and model: loads, warms up, then computes one batch after another. Runs from dist only. */
import { parentPort, workerData } from "node:worker_threads";
import { packSequences } from "@modernbert-ts/encoder";
import { openPipeline, taskOf } from "@modernbert-ts/pipelines";
import type { Pipeline } from "@modernbert-ts/pipelines";
import { precisions } from "@modernbert-ts/tensor-core";
import type { FromWorker, ToWorker, WorkerData } from "./protocol.ts";

const port = parentPort;
if (!port) throw new Error("[worker] expected to be started as a worker thread by modernbert-serve");

const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
const lineOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function run(model: Pipeline, { id, task, pack }: ToWorker & { type: "run" }): Promise<void> {
  const { run: compute, transferable } = taskOf(task.name);
  try {
    const results = await compute(model, pack, task.options);
    model.afterRun?.();
    send({ type: "done", id, results }, results.flatMap(transferable));
  } catch (error) {
    send({ type: "failed", id, message: lineOf(error) });
  }
}

async function load({
  folder,
  head,
  backend,
  threads,
  cpuEngine,
  dtype,
  weights,
}: WorkerData): Promise<{ pipeline: Pipeline; speed: number }> {
  const pipeline = await openPipeline(folder, {
    head,
    backend,
    cpuEngine,
    precision: precisions[dtype],
    ...(weights && { weights }),
    ...(threads !== undefined && { threads }),
    onNotice: (message) => send({ type: "notice", message }),
  });
  try {
    return { pipeline, speed: await warmUp(pipeline) };
  } catch (error) {
    await pipeline[Symbol.asyncDispose]();
    throw error;
  }
}

/** Compiles kernels, and shows that the device computes, and how quickly: tokens per ms of a small batch. */
async function warmUp({ model, afterRun }: Pipeline): Promise<number> {
  const sample = new Int32Array(Math.min(64, model.info.maxLength));
  let took = 0;
  for (const ids of [sample.subarray(0, 1), sample, sample]) {
    const started = performance.now();
    const hidden = model.encode(packSequences([ids]));
    await hidden.read();
    hidden.dispose();
    took = performance.now() - started;
  }
  afterRun?.();
  return sample.length / Math.max(took, 0.001);
}

try {
  const { pipeline, speed } = await load(workerData as WorkerData);
  let last = Promise.resolve();
  port.on("message", (message: ToWorker) => {
    if (message.type === "run") {
      last = last.then(() => run(pipeline, message));
      return;
    }
    last = last.then(() => pipeline[Symbol.asyncDispose]()).then(() => port.close());
  });
  const { name, backend } = pipeline.choice;
  const bytes = backend.memory().activeBytes;
  send({ type: "ready", backend: name, device: backend.capabilities.device, speed, bytes });
} catch (error) {
  send({ type: "load-failed", message: lineOf(error) });
  port.close();
}
