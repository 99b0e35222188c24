/** Numbers for Prometheus, with the names, labels and buckets of text-embeddings-inference; each thing is counted once. */
import type { TaskName } from "@modernbert-ts/pipelines";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Costs } from "../costs.ts";
import { ServeError } from "../errors.ts";

export type Method = "single" | "batch";

/** Why a request failed, as TEI tells it. */
export type Failure =
  | "overloaded"
  | "batch_size"
  | "validation"
  | "tokenization"
  | "inference"
  | "model_type"
  | "dropped";

/** Seconds: 35, each half as long again as the one before. */
const durations: number[] = [];
for (let seconds = 0.00001 * 1.5; durations.length < 35; seconds *= 1.5) durations.push(seconds);
const powersOfTwo = (count: number): number[] => Array.from({ length: count }, (_, index) => 2 ** index);

/** The parts of an inference that have a histogram each, under `te_request_`, `te_embed_` and `te_predict_`. */
const parts = ["duration", "tokenization_duration", "queue_duration", "inference_duration"] as const;
type Parts = Readonly<Record<(typeof parts)[number], Histogram>>;

/** Inputs of one family of tasks. */
interface InputMetrics {
  readonly count: Counter;
  readonly success: Counter;
  readonly parts: Parts;
}

/** What the inputs of a request took. */
export interface Computed {
  readonly inputs: number;
  /** Tokens of their sequences: more than one where a text takes several. */
  readonly lengths: readonly number[];
  readonly costs: Costs;
  /** Milliseconds in all. */
  readonly ms: number;
}

export class Metrics {
  readonly registry: Registry = new Registry();
  readonly #count: Counter<"method">;
  readonly #success: Counter<"method">;
  readonly #failure: Counter<"err">;
  readonly #request: Parts;
  #inputLength: Histogram | undefined;
  readonly #inputs: Readonly<Record<"embed" | "predict", InputMetrics>>;
  readonly #batchSize: Histogram;
  readonly #batchTokens: Histogram;

  constructor() {
    const registers = [this.registry];
    const counter = <L extends string>(name: string, help: string, labelNames: L[] = []): Counter<L> =>
      new Counter({ name, help, labelNames, registers });
    this.#count = counter("te_request_count", "requests", ["method"]);
    this.#success = counter("te_request_success", "requests answered", ["method"]);
    this.#failure = counter("te_request_failure", "requests refused or failed", ["err"]);
    this.#request = this.#parts("te_request");
    const inputs = (family: string): InputMetrics => ({
      count: counter(`te_${family}_count`, `inputs to ${family}`),
      success: counter(`te_${family}_success`, "inputs answered"),
      parts: this.#parts(`te_${family}`),
    });
    this.#inputs = { embed: inputs("embed"), predict: inputs("predict") };
    this.#batchSize = this.#histogram("te_batch_next_size", "inputs of a batch", powersOfTwo(13));
    this.#batchTokens = this.#histogram("te_batch_next_tokens", "tokens of a batch", powersOfTwo(21));
  }

  /**
   * What the models say.
   *
   * @param longest tokens of the longest input that any of them takes
   * @param queueSize asked whenever somebody looks
   */
  watch({ longest, queueSize }: { longest: number; queueSize: () => number }): void {
    const buckets = powersOfTwo(20).filter((tokens) => tokens <= longest);
    this.#inputLength = this.#histogram("te_request_input_length", "tokens of an input", buckets);
    const collect = (): void => gauge.set(queueSize());
    const gauge: Gauge = new Gauge({
      name: "te_queue_size",
      help: "inputs that wait for the model",
      registers: [this.registry],
      collect,
    });
  }

  requested(method: Method): void {
    this.#count.inc({ method });
  }

  /** @param seconds from the request's arrival to its answer */
  answered(method: Method, seconds: number): void {
    this.#success.inc({ method });
    this.#request.duration.observe(seconds);
  }

  failed(error: unknown): void {
    this.#failure.inc({ err: failureOf(error) });
  }

  /** Inputs of a request that are let in. */
  began(task: TaskName, inputs: number): void {
    this.#inputs[familyOf(task)].count.inc(inputs);
  }

  /** The same inputs, computed: each with the means of the request. */
  computed(task: TaskName, { inputs, lengths, costs, ms }: Computed): void {
    const { success, parts: histograms } = this.#inputs[familyOf(task)];
    success.inc(inputs);
    for (const length of lengths) this.#inputLength?.observe(length);
    const { tokenization, queue, inference } = costs;
    observe(this.#request, {
      tokenization_duration: tokenization,
      queue_duration: queue,
      inference_duration: inference,
    });
    for (let input = 0; input < inputs; input++) {
      observe(histograms, {
        duration: ms,
        tokenization_duration: tokenization / inputs,
        queue_duration: queue,
        inference_duration: inference,
      });
    }
  }

  batch(size: number, tokens: number): void {
    this.#batchSize.observe(size);
    this.#batchTokens.observe(tokens);
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.registry] });
  }

  #parts(prefix: string): Parts {
    const made = parts.map((part) => [part, this.#histogram(`${prefix}_${part}`, "seconds", durations)] as const);
    return Object.fromEntries(made) as unknown as Parts;
  }
}

/** @param ms milliseconds of each part */
function observe(histograms: Parts, ms: Readonly<Partial<Record<keyof Parts, number>>>): void {
  for (const [part, value] of Object.entries(ms)) histograms[part as keyof Parts].observe(value / 1000);
}

/** What gives vectors is TEI's `embed`, all else its `predict`. */
function familyOf(task: TaskName): "embed" | "predict" {
  return task.startsWith("embed") ? "embed" : "predict";
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof ServeError)) return "inference";
  if (error.status === 499) return "dropped";
  switch (error.type) {
    case "Overloaded":
      return "overloaded";
    case "Tokenizer":
      return "tokenization";
    case "Backend":
      return /^model is not | is not available for SPLADE models$/i.test(error.message) ? "model_type" : "inference";
    case "Unhealthy":
      return "inference";
    case "Validation":
      return error.message.startsWith("batch size ") ? "batch_size" : "validation";
    case "Empty":
      return "validation";
    default:
      throw new Error(`internal: unknown type ${String(error.type satisfies never)}`);
  }
}
