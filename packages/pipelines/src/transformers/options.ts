/** The options of transformers.js's `pipeline`, and what they are here. */
import { TensorError, precisions } from "@modernbert-ts/tensor-core";
import type { ModelOptions } from "../model.ts";

export type Device = "auto" | "cpu" | "wasm" | "webgpu" | "cuda";
export type DataType = "auto" | "fp32" | "fp16" | "bf16" | "int8" | "q8" | "q4";

/** What `progress_callback` hears. */
export interface PipelineProgress {
  /** `ready` at the end; before it `notice`, what a person should know: downloads and how far they are, the backend that was taken. */
  readonly status: "notice" | "ready";
  readonly task: string;
  readonly model: string;
  readonly message?: string;
}

export interface LoadingOptions {
  /** Default "auto": the best that there is. "wasm" is the CPU in WebAssembly. */
  readonly device?: Device;
  /** Default "auto", which is "fp32". "int8" and "q8" hold the weights of linear layers in 8 bits, "q4" in 4. */
  readonly dtype?: DataType;
  readonly progress_callback?: (progress: PipelineProgress) => void;
  /** Branch, tag or commit of a hub model. */
  readonly revision?: string;
  readonly local_files_only?: boolean;
}

const devices: Readonly<Record<Device, Pick<ModelOptions, "backend" | "cpuEngine">>> = {
  auto: { backend: "auto" },
  cpu: { backend: "cpu" },
  wasm: { backend: "cpu", cpuEngine: "wasm" },
  webgpu: { backend: "webgpu" },
  cuda: { backend: "cuda" },
};

const dataTypes: Readonly<Record<DataType, Pick<ModelOptions, "precision" | "weights">>> = {
  auto: {},
  fp32: {},
  fp16: { precision: precisions.f16 },
  bf16: { precision: precisions.bf16 },
  int8: { weights: "int8" },
  q8: { weights: "int8" },
  q4: { weights: "int4" },
};

const known = ["device", "dtype", "progress_callback", "revision", "local_files_only"] as const;

/** @throws TensorError on an option or a value that is not known here. */
export function modelOptions(task: string, model: string, options: LoadingOptions): ModelOptions {
  requireKnown("pipeline", options, known);
  const { device = "auto", dtype = "auto", revision, local_files_only = false, progress_callback } = options;
  return {
    ...pick("device", devices, device),
    ...pick("dtype", dataTypes, dtype),
    ...(revision !== undefined && { revision }),
    localFilesOnly: local_files_only,
    ...(progress_callback && {
      onNotice: (message: string) => progress_callback({ status: "notice", task, model, message }),
    }),
  };
}

function pick<K extends string, V>(name: string, values: Readonly<Record<K, V>>, key: K): V {
  if (Object.hasOwn(values, key)) return values[key];
  throw new TensorError(
    "pipeline",
    `expected ${name} to be ${Object.keys(values).join(", ")}, got ${JSON.stringify(key)}`,
  );
}

/** @throws TensorError on a key that is not among `names`. */
export function requireKnown(operation: string, options: object, names: readonly string[]): void {
  const wrong = Object.entries(options).find(([key, value]) => value !== undefined && !names.includes(key));
  if (!wrong) return;
  throw new TensorError(operation, `expected options ${names.join(", ")}, got ${wrong[0]}: leave it out`);
}
