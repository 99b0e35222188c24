/** What the routes work with: one model, its queue and its limits. */
import type { Admission } from "./batching/admission.ts";
import type { Scheduler } from "./batching/scheduler.ts";
import { ServeError } from "./errors.ts";
import type { Encoder } from "./inputs/encoder.ts";
import type { ModelFiles } from "./model/model-files.ts";
import type { ModelWorker } from "./model/model-worker.ts";
import type { ServeOptions } from "./options.ts";

export interface Service {
  readonly options: ServeOptions;
  readonly files: ModelFiles;
  readonly encoder: Encoder;
  readonly admission: Admission;
  readonly scheduler: Scheduler;
  readonly worker: ModelWorker;
}

/** Why the model cannot answer now; undefined when it can. */
export function whyUnhealthy({ worker, options }: Pick<Service, "worker" | "options">): string | undefined {
  switch (worker.state) {
    case "loading":
      return "the model is being loaded";
    case "failed":
      return "the model's worker has died for good: restart the server";
    case "closed":
      return "the server is shutting down";
    case "ready":
      break;
    default:
      throw new Error(`internal: unknown state ${String(worker.state satisfies never)}`);
  }
  // Every request of such a batch has met its deadline: nobody is left who waits for it.
  const busy = worker.busySince === undefined ? 0 : performance.now() - worker.busySince;
  return busy > options.requestTimeout * 1000 ? "the model hangs: restart the server" : undefined;
}

/** @throws ServeError 503 unless the model is there. */
export function requireModel(service: Service): void {
  const why = whyUnhealthy(service);
  if (why) throw new ServeError("Unhealthy", why, { retryAfter: 5 });
}
