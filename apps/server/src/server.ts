/** Puts the parts together: model files, worker, queue, routes; and takes them apart again in order. */
import type { Worker } from "node:worker_threads";
import { Admission } from "./batching/admission.ts";
import { Scheduler } from "./batching/scheduler.ts";
import { ServeError, StartError } from "./errors.ts";
import { createApp } from "./http/app.ts";
import { addRoutes } from "./http/add-routes.ts";
import { Encoder } from "./inputs/encoder.ts";
import { readModelFiles } from "./model/model-files.ts";
import { ModelWorker } from "./model/model-worker.ts";
import type { WorkerData } from "./model/protocol.ts";
import { spawnWorker } from "./model/spawn.ts";
import { checkOptions, defaults } from "./options.ts";
import type { ServeOptions } from "./options.ts";
import { whyUnhealthy } from "./service.ts";
import type { Service } from "./service.ts";

export interface RunningServer {
  /** Where it listens, such as http://127.0.0.1:3000. */
  readonly url: string;
  /** Resolves when the model is loaded and `/health` answers 200; rejects when it cannot be loaded. */
  readonly ready: Promise<void>;
  /** Stops listening, lets requests under way finish within `shutdownTimeout`, ends the rest with 503, frees the device. */
  close(): Promise<void>;
}

/** Milliseconds between the last answer and the end of its connection. */
const lastWords = 1_000;

/**
 * Starts a server that listens at once and loads the model in the background. Throws StartError when an option cannot be,
 * the model's files cannot be read, no route serves the model, or the address cannot be had.
 *
 * @param spawn starts the thread that computes; tests put another in its place
 */
export async function startServer(
  given: Partial<ServeOptions> & Pick<ServeOptions, "model">,
  spawn: (data: WorkerData) => Worker = spawnWorker,
): Promise<RunningServer> {
  const options: ServeOptions = { ...defaults, ...given };
  checkOptions(options);
  const app = createApp(options);
  const files = await readModelFiles(options, (notice) => app.log.info(notice)).catch((error: unknown) => {
    throw StartError.of(error);
  });
  const { backend, threads, cpuEngine, dtype, weights } = options;
  const worker = new ModelWorker({
    spawn: () => spawn({ folder: files.folder, head: files.info.head, backend, threads, cpuEngine, dtype, weights }),
    maxRestarts: options.maxWorkerRestarts,
    log: app.log,
    onState: (state) => {
      if (state === "ready") scheduler.schedule();
      if (state === "failed") scheduler.rejectAll(new ServeError("Unhealthy", whyUnhealthy({ worker })!));
    },
  });
  const scheduler = new Scheduler(worker, {
    maxTokens: options.maxBatchTokens,
    maxRequests: options.maxBatchRequests ?? Number.POSITIVE_INFINITY,
    patience: options.requestTimeout * 1000,
  });
  const service: Service = {
    options,
    files,
    worker,
    scheduler,
    encoder: new Encoder(files.tokenizer, files.maxInputLength, files.info.vocabSize),
    admission: new Admission(options.maxConcurrentRequests, () => scheduler.estimateWait()),
  };
  addRoutes(app, service);
  const ready = worker.loaded.catch((error: unknown) => {
    throw StartError.of(error);
  });
  ready.catch(() => {}); // whoever awaits it hears of it

  let closing: Promise<void> | undefined;
  app.addHook("onSend", async (_request, reply) => {
    if (closing) reply.header("connection", "close");
  });
  const shutDown = async (): Promise<void> => {
    const closed = app.close();
    const abandon = setTimeout(() => {
      scheduler.rejectAll(new ServeError("Unhealthy", "the server is shutting down", { retryAfter: 5 }));
      setTimeout(() => app.server.closeAllConnections(), lastWords).unref();
    }, options.shutdownTimeout * 1000);
    await closed;
    clearTimeout(abandon);
    await worker.close();
  };
  const close = (): Promise<void> => (closing ??= shutDown());

  try {
    const url = await app.listen({ host: options.host, port: options.port });
    return { url, ready, close };
  } catch (error) {
    await close();
    throw new StartError(`cannot listen on ${options.host}:${options.port}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
