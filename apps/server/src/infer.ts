/** The way of every request: admitted, tokenised, queued, computed. */
import { inParts, taskOf } from "@modernbert-ts/pipelines";
import type { TaskAnswer, TaskName } from "@modernbert-ts/pipelines";
import type { Timed } from "./batching/scheduler.ts";
import { costsOf } from "./costs.ts";
import type { Costs } from "./costs.ts";
import { ServeError } from "./errors.ts";
import type { EncodeSettings } from "./inputs/encoder.ts";
import type { Input } from "./inputs/read-inputs.ts";
import type { Task, TaskResult } from "./model/protocol.ts";
import { inSpan } from "./operations/tracing.ts";
import { requireModel } from "./service.ts";
import type { Service } from "./service.ts";

export interface Inference<N extends TaskName> {
  /** One for each input. */
  readonly results: readonly TaskAnswer<N>[];
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
  const { admission, residence, place, metrics } = service;
  return admission.hold(inputs.length, () => residence.hold(place, signal, compute));

  async function compute(): Promise<Inference<N>> {
    const started = performance.now();
    metrics.began(task.name, inputs.length);
    const sequences = await inSpan("tokenize", { inputs: inputs.length }, async () =>
      service.encoder.encode(inputs, encoding, signal),
    );
    check?.(sequences);
    const { queue, answers } = inParts(taskOf(task.name), service.files, sequences);
    const parts = takeAll(queue, Math.max(inputs.length, service.options.maxConcurrentRequests));
    const tokenization = performance.now() - started;
    const computeParts = async (): Promise<Inference<N>> => {
      const timed: Timed<TaskResult<N>>[] = await inSpan(
        "compute",
        { task: task.name, sequences: parts.length },
        async () => service.scheduler.run(task, parts, signal),
      );
      const results = answers(timed.map(({ result }) => result));
      const costs = costsOf(inputs, sequences, tokenization, timed);
      metrics.computed(
        task.name,
        sequences.map(({ length }) => length),
        costs,
        performance.now() - started,
      );
      return { results, costs };
    };
    return admission.hold(parts.length, computeParts, inputs.length);
  }
}

/** @throws ServeError 422 beyond `most` sequences: memory is bounded. */
function takeAll(queue: Iterable<Int32Array>, most: number): Int32Array[] {
  const parts: Int32Array[] = [];
  for (const part of queue) {
    if (parts.length === most) {
      const message = `\`inputs\` would take more than ${most} sequences of the model (--max-concurrent-requests): send less`;
      throw new ServeError("Validation", message);
    }
    parts.push(part);
  }
  return parts;
}
