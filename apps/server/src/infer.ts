/** The way of every request: admitted, tokenised, queued, computed. */
import { idsOf } from "@modernbert-ts/encoder";
import type { Sequence } from "@modernbert-ts/encoder";
import { taskOf, TextTooLongError, workQueue } from "@modernbert-ts/pipelines";
import type { InputOptions, TaskAnswer, TaskInput, TaskName, TaskOptions, Work } from "@modernbert-ts/pipelines";
import { TensorError } from "@modernbert-ts/tensor-core";
import { TokenizerError } from "@modernbert-ts/tokenizer";
import type { Timed } from "./batching/scheduler.ts";
import { answerNumbers } from "./batching/answer-numbers.ts";
import { costsOf } from "./costs.ts";
import type { Costs } from "./costs.ts";
import { ServeError } from "./errors.ts";
import { inTurns } from "./in-turns.ts";
import type { EncodeSettings } from "./inputs/encoder.ts";
import type { Input } from "./inputs/read-inputs.ts";
import type { Task, TaskResult } from "./model/protocol.ts";
import { inSpan } from "./telemetry/tracing.ts";
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

/** Computes `task` for each text. Rejects with a ServeError, or when `signal` aborts. */
export async function infer<N extends TaskName>(
  service: Service,
  task: Task<N>,
  inputs: readonly Input[],
  { check, ...encoding }: InferSettings,
  signal: AbortSignal,
): Promise<Inference<N>> {
  return compute(service, task, inputs, signal, async () => {
    const sequences = await service.encoder.encode(inputs, encoding, signal);
    check?.(sequences);
    const { prepare } = taskOf(task.name);
    const works = sequences.map(async (ids) => prepare(service.files, ids as TaskInput<N>, task.options));
    return { works: await Promise.all(works), lengths: sequences.map(({ length }) => length) };
  });
}

/**
 * The same for inputs of any kind, which the task itself prepares. `options` are all of the task's, those for `truncate` and for joining
 * among them; what its `run` looks at stands in `task.options`, and inputs share a batch where that is equal.
 */
export async function inferInputs<N extends TaskName>(
  service: Service,
  task: Task<N>,
  inputs: readonly TaskInput<N>[],
  options: TaskOptions<N> & InputOptions,
  signal: AbortSignal,
): Promise<Inference<N>> {
  return compute(service, task, inputs, signal, async () => {
    const { prepare } = taskOf(task.name);
    const encode = service.encoder.inThreads(inputs, signal);
    const side = encode ? { ...service.files, encode } : service.files;
    const works = await inTurns(
      inputs,
      async (input, at) => prepareInput(at, async () => prepare(side, input, options)),
      signal,
    );
    return { works, lengths: works.flatMap(({ tokens }) => tokens ?? []) };
  });
}

/** @throws ServeError 422 for an input that the task cannot use. */
async function prepareInput<T>(at: number, prepare: () => Promise<T>): Promise<T> {
  try {
    return await prepare();
  } catch (error) {
    if (!(error instanceof TensorError || error instanceof TokenizerError)) throw error;
    const message =
      error instanceof TextTooLongError
        ? `\`inputs\` must have less than ${error.maxLength} tokens. Given: ${error.length}` // in TEI's words
        : `input ${at}: ${error.message}`;
    throw new ServeError("Validation", message, { cause: error });
  }
}

interface Prepared<N extends TaskName> {
  readonly works: readonly Work<TaskResult<N>, TaskAnswer<N>>[];
  /** Tokens of each input; those of their sequences where absent. */
  readonly lengths?: readonly number[];
}

async function compute<N extends TaskName>(
  service: Service,
  task: Task<N>,
  inputs: readonly unknown[],
  signal: AbortSignal,
  prepare: () => Promise<Prepared<N>>,
): Promise<Inference<N>> {
  requireModel(service);
  const { admission, residence, place, metrics, room } = service;
  return admission.hold(inputs.length, () => residence.hold(place, signal, prepareAndRun));

  async function prepareAndRun(): Promise<Inference<N>> {
    const started = performance.now();
    metrics.began(task.name, inputs.length);
    const { works, lengths = [] } = await inSpan("tokenize", { inputs: inputs.length }, prepare);
    const { sequences, answers } = workQueue(works);
    const parts = takeAll(sequences, Math.max(inputs.length, service.options.maxConcurrentRequests));
    const tokenization = performance.now() - started;
    const numbers = answerNumbers(service.files, task.name, parts);
    const giveBack = room.take(4 * parts.reduce((sum, part) => sum + idsOf(part).length, numbers));
    const computeParts = async (): Promise<Inference<N>> => {
      const timed: Timed<TaskResult<N>>[] = await inSpan(
        "compute",
        { task: task.name, sequences: parts.length },
        async () => service.scheduler.run(task, parts, signal),
      );
      const results = answers(timed.map(({ result }) => result));
      const counted = lengths.length > 0 ? lengths : parts.map((part) => idsOf(part).length);
      const tokens = counted.reduce((total, length) => total + length, 0);
      const costs = costsOf(inputs, tokens, tokenization, timed);
      const each = inputs.map((_, index) => lengths[index] ?? tokens / inputs.length);
      metrics.computed(task.name, { inputs: inputs.length, lengths: each, costs, ms: performance.now() - started });
      return { results, costs };
    };
    return admission.hold(parts.length, computeParts, inputs.length).finally(giveBack);
  }
}

/** @throws ServeError 422 beyond `most` sequences: memory is bounded. */
function takeAll(queue: Iterable<Sequence>, most: number): Sequence[] {
  const parts: Sequence[] = [];
  for (const part of queue) {
    if (parts.length === most) {
      const message = `\`inputs\` would take more than ${most} sequences of the model (--max-concurrent-requests): send less`;
      throw new ServeError("Validation", message);
    }
    parts.push(part);
  }
  return parts;
}
