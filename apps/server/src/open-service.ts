/** One model of the server, with all that its requests go through. */
import type { Worker } from "node:worker_threads";
import { Admission } from "./batching/admission.ts";
import type { QueueRoom } from "./batching/queue-room.ts";
import { Scheduler } from "./batching/scheduler.ts";
import { ServeError } from "./errors.ts";
import { Encoder } from "./inputs/encoder.ts";
import { readModelFiles } from "./model/model-files.ts";
import { ModelWorker } from "./model/model-worker.ts";
import type { WorkerData } from "./model/protocol.ts";
import type { Residence } from "./model/residence.ts";
import { weightsSize } from "./model/weights-size.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import type { ServeOptions } from "./options.ts";
import { whyUnhealthy } from "./service.ts";
import type { Service } from "./service.ts";

export interface ServiceContext {
  readonly residence: Residence;
  readonly log: { info(message: string): void; error(message: string): void };
  readonly metrics: Metrics;
  readonly room: QueueRoom;
  /** Told when a model is loaded, dies, …. */
  readonly onState?: () => void;
  /** Starts the thread that computes. */
  readonly spawn: (data: WorkerData) => Worker;
}

/** Reads what the model's folder says; `residence` decides when its weights are loaded. @throws StartError, and what reading the files throws */
export async function openService(
  options: ServeOptions,
  { residence, metrics, room, log, spawn, onState }: ServiceContext,
): Promise<Service> {
  const name = options.servedModelName ?? options.model;
  const files = await readModelFiles(options, (notice) => log.info(notice));
  const { backend, threads, cpuEngine, dtype, weights } = options;
  const worker = new ModelWorker({
    spawn: () => spawn({ folder: files.folder, head: files.info.head, backend, threads, cpuEngine, dtype, weights }),
    maxRestarts: options.maxWorkerRestarts,
    log,
    onState: (state) => {
      if (state === "ready") scheduler.schedule();
      onState?.();
      if (state === "failed") scheduler.rejectAll(new ServeError("Unhealthy", whyUnhealthy({ worker })!));
    },
    onLoaded: (bytes) => (place.bytes = bytes),
  });
  const scheduler = new Scheduler(worker, {
    maxTokens: options.maxBatchTokens,
    maxRequests: options.maxBatchRequests ?? Number.POSITIVE_INFINITY,
    patience: options.requestTimeout * 1000,
    onBatch: (size, tokens) => metrics.batch(size, tokens),
  });
  const bytes = options.memoryBudget === undefined ? 0 : await weightsSize(files.folder);
  const place = residence.add(name, bytes, worker);
  return {
    name,
    options,
    files,
    worker,
    scheduler,
    metrics,
    room,
    residence,
    place,
    encoder: new Encoder(files.tokenizer, files.maxInputLength, files.info.vocabSize, options.tokenizationWorkers),
    admission: new Admission(options.maxConcurrentRequests, () => scheduler.estimateWait()),
  };
}
