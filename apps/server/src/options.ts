/** Everything that can be set, with its defaults: names and values are those of text-embeddings-inference where it has them. */
import type { BackendName, CpuEngineName } from "@modernbert-ts/backends";
import type { Pooling, WeightFormat } from "@modernbert-ts/encoder";
import type { PrecisionName } from "@modernbert-ts/tensor-core";

export interface ServeOptions {
  /** Hugging Face folder or hub id. */
  readonly model: string;
  /** Branch, tag or commit of a hub model. */
  readonly revision?: string;
  readonly servedModelName?: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly backend: BackendName | "auto";
  readonly threads?: number;
  readonly cpuEngine: CpuEngineName;
  /** Of matrix products and activations. */
  readonly dtype: PrecisionName;
  /** Of linear layers. Default: as `dtype` computes, see `weightsFor`. */
  readonly weights?: WeightFormat;
  /** By default what the model's folder says, else mean. */
  readonly pooling?: Pooling;
  /** Inputs (not HTTP requests) that may be in the server at once. */
  readonly maxConcurrentRequests: number;
  /** Tokens of one forward pass. */
  readonly maxBatchTokens: number;
  /** Inputs of one forward pass. */
  readonly maxBatchRequests?: number;
  /** Inputs of one HTTP request. */
  readonly maxClientBatchSize: number;
  /** What `truncate` means when a request does not say. */
  readonly autoTruncate: boolean;
  readonly defaultPromptName?: string;
  readonly defaultPrompt?: string;
  /** Bytes of one request body. */
  readonly payloadLimit: number;
  readonly apiKey?: string;
  /** Seconds from the arrival of a request to its answer. */
  readonly requestTimeout: number;
  /** Seconds that requests under way may take once the server is told to stop. */
  readonly shutdownTimeout: number;
  /** How often the model's worker may be started again within ten minutes. */
  readonly maxWorkerRestarts: number;
  readonly logLevel: LogLevel;
}

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
> = {
  host: "127.0.0.1",
  port: 3000,
  backend: "auto",
  cpuEngine: "auto",
  dtype: "f32",
  maxConcurrentRequests: 512,
  maxBatchTokens: 16384,
  maxClientBatchSize: 32,
  autoTruncate: true,
  payloadLimit: 2_000_000,
  requestTimeout: 300,
  shutdownTimeout: 30,
  maxWorkerRestarts: 5,
  logLevel: "info",
};
