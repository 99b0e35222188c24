/** What the routes work with: one model, its queue and its limits. */
import type { Admission } from "./batching/admission.ts";
import type { QueueRoom } from "./batching/queue-room.ts";
import type { Scheduler } from "./batching/scheduler.ts";
import { ServeError } from "./errors.ts";
import type { Encoder } from "./inputs/encoder.ts";
import type { ModelFiles } from "./model/model-files.ts";
import type { ModelWorker } from "./model/model-worker.ts";
import type { Place, Residence } from "./model/residence.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import type { ServeOptions } from "./options.ts";

export interface Service {
  /** What requests call it, and answers. */
  readonly name: string;
  readonly options: ServeOptions;
  readonly files: ModelFiles;
  readonly encoder: Encoder;
  readonly admission: Admission;
  /** Shared by all models. */
  readonly room: QueueRoom;
  readonly scheduler: Scheduler;
  readonly worker: ModelWorker;
  readonly metrics: Metrics;
  readonly residence: Residence;
  readonly place: Place;
}

/** Why the model cannot answer now; undefined when it can, or is loaded when it is asked for. A batch that takes long is no reason: one that hangs has its worker replaced. */
export function whyUnhealthy({ worker }: Pick<Service, "worker">): string | undefined {
  switch (worker.state) {
    case "loading":
      return worker.onDemand ? undefined : "the model is being loaded";
    case "unloaded":
      return undefined;
    case "failed":
      return "the model's worker has died for good: restart the server";
    case "closed":
      return "the server is shutting down";
    case "ready":
      return undefined;
    default:
      throw new Error(`internal: unknown state ${String(worker.state satisfies never)}`);
  }
}

/** @throws ServeError 503 unless the model is there, comes back soon or is loaded on demand: then requests wait for it. */
export function requireModel({ worker }: Pick<Service, "worker">): void {
  if (worker.state === "loading" && (worker.onDemand || worker.backend !== undefined)) return;
  const why = whyUnhealthy({ worker });
  if (why) throw new ServeError("Unhealthy", why, { retryAfter: 5 });
}

/** What requests say of inputs that are too long. */
export interface TruncationFields {
  readonly truncate?: boolean | null | undefined;
  readonly side?: "left" | "right";
}

/** The same for tasks, with the server's default. */
export function inputOptions(
  { options }: Pick<Service, "options">,
  { truncate, side = "right" }: TruncationFields,
): { readonly truncate: boolean; readonly side: "left" | "right" } {
  return { truncate: truncate ?? options.autoTruncate, side };
}
