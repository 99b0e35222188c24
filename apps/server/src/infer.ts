/** The way of every request: admitted, tokenised, queued, computed. */
import type { Timed } from "./batching/scheduler.ts";
import { costsOf } from "./http/metadata.ts";
import type { Costs } from "./http/metadata.ts";
import type { EncodeSettings } from "./inputs/encoder.ts";
import type { Input } from "./inputs/read-inputs.ts";
import type { Task, TaskResult } from "./model/protocol.ts";
import { requireModel } from "./service.ts";
import type { Service } from "./service.ts";

export interface Inference<T extends Task> {
  readonly results: readonly TaskResult<T>[];
  readonly costs: Costs;
}

export interface InferSettings extends EncodeSettings {
  /** Looks at the sequences before they are queued; throws for what must not be. */
  readonly check?: (sequences: readonly Int32Array[]) => void;
}

/** Computes `task` for each input. Rejects with a ServeError, or when `signal` aborts. */
export async function infer<T extends Task>(
  service: Service,
  task: T,
  inputs: readonly Input[],
  { check, ...encoding }: InferSettings,
  signal: AbortSignal,
): Promise<Inference<T>> {
  requireModel(service);
  return service.admission.hold(inputs.length, async () => {
    const started = performance.now();
    const sequences = await service.encoder.encode(inputs, encoding, signal);
    check?.(sequences);
    const tokenization = performance.now() - started;
    const timed: Timed<TaskResult<T>>[] = await service.scheduler.run(task, sequences, signal);
    return { results: timed.map(({ result }) => result), costs: costsOf(inputs, sequences, tokenization, timed) };
  });
}
