/** The engine over TensorFlow.js: @tensorflow/tfjs-node-gpu, which nobody installs but who asks for it. */
import type { TfjsModule, TfTensor } from "@modernbert-ts/backend-tfjs";
import { TensorError, UnsupportedError } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { CudaUnavailableError } from "./unavailable-error.ts";

/** What is used of @tensorflow/tfjs-node-gpu. */
export type TfjsNodeGpu = TfjsModule<TfTensor> & { backend(): { readonly isUsingGpuDevice?: boolean } };

const specifier = "@tensorflow/tfjs-node-gpu";
const newestNode = 22;
const needs =
  `npm install ${specifier}@4.22.0, whose install script downloads libtensorflow 2.9.1 and an addon from Google; ` +
  `it needs CUDA 11.2, cuDNN 8.1 and Node ${newestNode} or older`;

/**
 * What TensorFlow reads from the environment when it loads, where nothing is set: memory as it is needed rather than all of the GPU's,
 * products of f32 that are not rounded to TF32, no log on standard error.
 */
const environment = { TF_FORCE_GPU_ALLOW_GROWTH: "true", NVIDIA_TF32_OVERRIDE: "0", TF_CPP_MIN_LOG_LEVEL: "2" };

async function importTfjs(): Promise<TfjsNodeGpu> {
  for (const [name, value] of Object.entries(environment)) process.env[name] ??= value;
  // Not a literal: the compiler would look for the package.
  const name = specifier;
  const module = (await import(/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ name)) as {
    readonly default: TfjsNodeGpu;
  };
  return module.default;
}

/**
 * @param load Imports @tensorflow/tfjs-node-gpu.
 * @throws CudaUnavailableError that says what it needs.
 * @throws TensorError for a device that is not the first.
 */
export async function tfjsEngine(
  device: number,
  load: () => Promise<TfjsNodeGpu> = importTfjs,
  node: string = process.versions.node,
): Promise<Backend> {
  if (device !== 0) {
    const advice = "CUDA_VISIBLE_DEVICES chooses another GPU";
    throw new TensorError("createCudaBackend", `expected device 0 for engine tfjs, got ${device}: ${advice}`);
  }
  if (Number.parseInt(node, 10) > newestNode) {
    throw new CudaUnavailableError(`${specifier} does not run on Node ${node}`, needs);
  }
  const tf = await load().catch((cause: unknown) => {
    const { code, message } = cause as NodeJS.ErrnoException;
    const missing =
      ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes(code ?? "") && message.includes(`'${specifier}'`);
    const [why] = String(message).split("\n");
    throw new CudaUnavailableError(`${specifier} ${missing ? "is not installed" : `does not load (${why})`}`, needs, {
      cause,
    });
  });
  await tf.ready();
  // Without what it needs it computes on the CPU, and says so nowhere else.
  if (tf.backend().isUsingGpuDevice !== true) throw new CudaUnavailableError(`${specifier} sees no GPU`, needs);
  const { createTfjsBackend } = await import("@modernbert-ts/backend-tfjs");
  try {
    return await createTfjsBackend(tf, { name: "cuda" });
  } catch (cause) {
    if (!(cause instanceof UnsupportedError)) throw cause;
    throw new CudaUnavailableError(`${specifier} cannot be used: ${cause.reason}`, needs, { cause });
  }
}
