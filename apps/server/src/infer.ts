/** The way of every request: admitted, tokenised, queued, computed. */
import type { TaskName } from "@modernbert-ts/pipelines";
import type { Timed } from "./batching/scheduler.ts";
import { costsOf } from "./costs.ts";
import type { Costs } from "./costs.ts";
import type { EncodeSettings } from "./inputs/encoder.ts";
import type { Input } from "./inputs/read-inputs.ts";
import type { Task, TaskResult } from "./model/protocol.ts";
import { requireModel } from "./service.ts";
import type { Service } from "./service.ts";

export interface Inference<N extends TaskName> {
  readonly results: readonly TaskResult<N>[];
  readonly costs: Costs;
}

export interface InferSettings extends EncodeSettings {
  /** Looks at the sequences before they are queued; throws for what must not be. */
  readonly check?: (sequences: readonly Int32Array[]) => void;
}

/** Computes `task` for each input. Rejects with a ServeError, or when `signal` aborts. */
export async function infer<N extends TaskName>(
  service: Service,
  task: Task<N>,
  inputs: readonly Input[],
  { check, ...encoding }: InferSettings,
  signal: AbortSignal,
): Promise<Inference<N>> {
  requireModel(service);
  return service.admission.hold(inputs.length, async () => {
    const started = performance.now();
    const sequences = await service.encoder.encode(inputs, encoding, signal);
    check?.(sequences);
    const tokenization = performance.now() - started;
    const timed: Timed<TaskResult<N>>[] = await service.scheduler.run(task, sequences, signal);
    return { results: timed.map(({ result }) => result), costs: costsOf(inputs, sequences, tokenization, timed) };
  });
}
