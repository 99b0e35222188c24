/** The worker thread that owns runtime and model: loads, warms up, then computes one batch after another. Runs from dist only. */
import { parentPort, workerData } from "node:worker_threads";
import {
  describePredictions,
  embedSequences,
  fillMaskSequences,
  openModel,
  openTokenizer,
} from "@modernbert-ts/pipelines";
import type { OpenModel, Pipeline } from "@modernbert-ts/pipelines";
import type { FromWorker, Task, TaskResult, ToWorker, WorkerData } from "./protocol.ts";

const port = parentPort;
if (!port) throw new Error("[worker] expected to be started as a worker thread by modernbert-serve");

const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
const lineOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Batches have been cut to size by the scheduler: each is one forward pass. */
const maxTokensPerPack = Number.MAX_SAFE_INTEGER;

/** The parts of a pipeline that tasks read. */
type Loaded = OpenModel & Pick<Pipeline, "tokenizer" | "pooling">;

async function compute(pipeline: Loaded, task: Task, sequences: readonly Int32Array[]): Promise<readonly TaskResult[]> {
  switch (task.kind) {
    case "embed":
      return embedSequences(pipeline, sequences, { pooling: task.pooling, maxTokensPerPack });
    case "fill-mask": {
      const ranked = await fillMaskSequences(pipeline, sequences, { topK: task.topK, maxTokensPerPack });
      return ranked.map((masks, index) => describePredictions(pipeline, sequences[index]!, masks));
    }
    default:
      throw new Error(`internal: unknown task ${JSON.stringify(task satisfies never)}`);
  }
}

async function run(pipeline: Loaded, { id, task, ids, cuSeqlens }: ToWorker & { type: "run" }): Promise<void> {
  const sequences = Array.from(cuSeqlens.subarray(1), (end, index) => ids.subarray(cuSeqlens[index], end));
  try {
    const results = await compute(pipeline, task, sequences);
    const buffers = results.flatMap((result) => (result instanceof Float32Array ? [result.buffer as ArrayBuffer] : []));
    send({ type: "done", id, results }, buffers);
  } catch (error) {
    send({ type: "failed", id, message: lineOf(error) });
  }
}

async function load({ folder, head, backend, threads, cpuEngine, weights }: WorkerData): Promise<Loaded> {
  const open = await openModel(folder, {
    head,
    backend,
    cpuEngine,
    weights,
    ...(threads !== undefined && { threads }),
    onNotice: (message) => send({ type: "notice", message }),
  });
  try {
    const tokenizer = await openTokenizer(folder, open.model.info.vocabSize);
    const pipeline: Loaded = { ...open, tokenizer, pooling: "cls" };
    await embedSequences(pipeline, [Int32Array.of(0)]); // warm-up: compiles kernels, and shows that the device computes
    return pipeline;
  } catch (error) {
    await open[Symbol.asyncDispose]();
    throw error;
  }
}

try {
  const pipeline = await load(workerData as WorkerData);
  let last = Promise.resolve();
  port.on("message", (message: ToWorker) => {
    if (message.type === "run") {
      last = last.then(() => run(pipeline, message));
      return;
    }
    last = last.then(() => pipeline[Symbol.asyncDispose]()).then(() => port.close());
  });
  const { name, backend } = pipeline.choice;
  send({ type: "ready", backend: name, device: backend.capabilities.device });
} catch (error) {
  send({ type: "load-failed", message: lineOf(error) });
  port.close();
}
