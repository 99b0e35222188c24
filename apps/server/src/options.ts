/** Everything that can be set, with its defaults: names and values are those of text-embeddings-inference where it has them. */
import { availableParallelism } from "node:os";
import type { BackendName, CpuEngineName } from "@modernbert-ts/backends";
import type { WeightFormat } from "@modernbert-ts/encoder";
import type { PrecisionName } from "@modernbert-ts/tensor-core";
import { StartError } from "./errors.ts";

/** What `startServer` takes: several models share all other options. */
export interface ServerOptions extends Omit<ServeOptions, OfEachModel> {
  /** Hugging Face folders or hub ids. The first answers requests that name no model. */
  readonly model: string | readonly string[];
  /** One for each model. */
  readonly revision?: string | readonly string[];
  /** One for each model. */
  readonly servedModelName?: string | readonly string[];
}

type OfEachModel = "model" | "revision" | "servedModelName";

/** The options of one model. */
export interface ServeOptions {
  /** Hugging Face folder or hub id. */
  readonly model: string;
  /** Branch, tag or commit of a hub model. */
  readonly revision?: string;
  readonly servedModelName?: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** TEI's gRPC services, on a port of their own; 0 takes a free one. */
  readonly grpcPort?: number;
  readonly backend: BackendName | "auto";
  readonly threads?: number;
  readonly cpuEngine: CpuEngineName;
  /** Of matrix products and activations. */
  readonly dtype: PrecisionName;
  /** Of linear layers. Default: as `dtype` computes, see `weightsFor`. */
  readonly weights?: WeightFormat;
  /** By default what the model's folder says, else mean. */
  readonly pooling?: PoolingChoice;
  /** Inputs (not HTTP requests) that may be in the server at once. */
  readonly maxConcurrentRequests: number;
  /** Bytes of bodies, token ids and vectors of tokens that requests under way may hold. */
  readonly maxQueueBytes: number;
  /** Tokens of one forward pass. */
  readonly maxBatchTokens: number;
  /** Inputs of one forward pass. */
  readonly maxBatchRequests?: number;
  /** Inputs of one HTTP request; on OpenAI's routes at least 2,048. */
  readonly maxClientBatchSize: number;
  /** What `truncate` means when a request does not say. */
  readonly autoTruncate: boolean;
  /** What `POST /` answers. */
  readonly task: BareTask;
  readonly defaultPromptName?: string;
  readonly defaultPrompt?: string;
  /** Bytes of one request body. */
  readonly payloadLimit: number;
  readonly apiKey?: string;
  /** A file with a key a line, read again when it changes. */
  readonly apiKeyFile?: string;
  /** Requests a minute of each key, or of each address where there are no keys. */
  readonly rateLimit?: number;
  /** Origins of pages that may read answers; `*` for any. */
  readonly corsAllowOrigin?: string | readonly string[];
  /** Threads that tokenise long texts. */
  readonly tokenizationWorkers: number;
  /** `/metrics` on a port of its own too. */
  readonly prometheusPort?: number;
  /** Where traces go: OTLP over gRPC. */
  readonly otlpEndpoint?: string;
  readonly otlpServiceName: string;
  /** No traces at all. */
  readonly disableSpans: boolean;
  /** Seconds from the arrival of a request to its answer. */
  readonly requestTimeout: number;
  /** Seconds that requests under way may take once the server is told to stop. */
  readonly shutdownTimeout: number;
  /** How often the model's worker may be started again within ten minutes. */
  readonly maxWorkerRestarts: number;
  readonly logLevel: LogLevel;
  /** Bytes of the models in memory; those beyond are loaded on demand in the place of others. */
  readonly memoryBudget?: number;
  /** Seconds without a request after which a model leaves memory. */
  readonly idleUnload?: number;
}

/** TEI's names. */
export type PoolingChoice = (typeof poolingChoices)[number];

export const poolingChoices = ["cls", "mean", "splade", "last-token"] as const;

export type BareTask = (typeof bareTasks)[number];

export const bareTasks = ["embed", "fill-mask", "sentence-similarity"] as const;

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

export const logLevels: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

export const defaults: Omit<
  Required<ServeOptions>,
  | "model"
  | "revision"
  | "servedModelName"
  | "threads"
  | "weights"
  | "pooling"
  | "maxBatchRequests"
  | "defaultPromptName"
  | "defaultPrompt"
  | "apiKey"
  | "apiKeyFile"
  | "rateLimit"
  | "corsAllowOrigin"
  | "prometheusPort"
  | "grpcPort"
  | "otlpEndpoint"
  | "memoryBudget"
  | "idleUnload"
> = {
  host: "127.0.0.1",
  port: 3000,
  backend: "auto",
  cpuEngine: "auto",
  dtype: "f32",
  maxConcurrentRequests: 512,
  maxQueueBytes: 2 ** 28,
  maxBatchTokens: 16384,
  maxClientBatchSize: 32,
  autoTruncate: true,
  task: "embed",
  payloadLimit: 2_000_000,
  tokenizationWorkers: Math.min(64, Math.max(1, availableParallelism() - 1)),
  otlpServiceName: "text-embeddings-inference.server",
  disableSpans: false,
  requestTimeout: 300,
  shutdownTimeout: 30,
  maxWorkerRestarts: 5,
  logLevel: "info",
};

type Count =
  | "port"
  | "grpcPort"
  | "threads"
  | "maxConcurrentRequests"
  | "maxQueueBytes"
  | "maxBatchTokens"
  | "maxBatchRequests"
  | "maxClientBatchSize"
  | "payloadLimit"
  | "rateLimit"
  | "tokenizationWorkers"
  | "prometheusPort"
  | "requestTimeout"
  | "shutdownTimeout"
  | "maxWorkerRestarts"
  | "memoryBudget"
  | "idleUnload";

/** The least and the most of each number: flags, variables and options of the library alike. */
export const bounds: Readonly<Record<Count, readonly [least: number, most: number]>> = {
  port: [0, 65_535],
  grpcPort: [0, 65_535],
  threads: [1, 1024],
  maxConcurrentRequests: [1, 2 ** 31 - 1],
  maxQueueBytes: [1, Number.MAX_SAFE_INTEGER],
  maxBatchTokens: [1, 2 ** 31 - 1],
  maxBatchRequests: [1, 2 ** 31 - 1],
  maxClientBatchSize: [1, 2 ** 31 - 1],
  payloadLimit: [1, 2 ** 31 - 1],
  rateLimit: [1, 2 ** 31 - 1],
  tokenizationWorkers: [1, 64],
  prometheusPort: [1, 65_535],
  requestTimeout: [1, 86_400],
  shutdownTimeout: [0, 86_400],
  maxWorkerRestarts: [0, 1000],
  memoryBudget: [1, Number.MAX_SAFE_INTEGER],
  idleUnload: [1, 2 ** 31 / 1000],
};

/** @throws StartError that names the first option which cannot be. */
export function checkOptions(options: ServeOptions): void {
  for (const [name, [least, most]] of Object.entries(bounds)) {
    const value = options[name as Count];
    if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) continue;
    throw new StartError(`expected ${name} to be a whole number from ${least} to ${most}, got ${String(value)}`);
  }
  if (options.grpcPort !== undefined && options.rateLimit !== undefined) {
    throw new StartError("expected no rateLimit beside grpcPort, whose calls it does not count: leave one out");
  }
  if (options.defaultPrompt !== undefined && options.defaultPromptName !== undefined) {
    throw new StartError("expected defaultPrompt or defaultPromptName, got both: leave one out");
  }
}

/** The options of each model. @throws StartError where names or revisions are not one for each. */
export function eachModel(options: ServerOptions): readonly [ServeOptions, ...ServeOptions[]] {
  const { model, revision, servedModelName, ...shared } = options;
  const [first, ...others] = [model].flat();
  if (first === undefined) throw new StartError("expected a model, got none");
  const models = [first, ...others] as const;
  const revisions = oneEach("revision", revision, models.length);
  const names = oneEach("servedModelName", servedModelName, models.length);
  const of = (each: string, index: number): ServeOptions => ({
    ...shared,
    model: each,
    ...(revisions && { revision: revisions[index]! }),
    ...(names && { servedModelName: names[index]! }),
  });
  return [of(first, 0), ...others.map((each, index) => of(each, index + 1))];
}

function oneEach(
  name: string,
  given: string | readonly string[] | undefined,
  models: number,
): readonly string[] | undefined {
  if (given === undefined) return undefined;
  const list = [given].flat();
  if (list.length === models) return list;
  throw new StartError(`expected as many of ${name} as models (${models}), in their order, got ${list.length}`);
}
