/** Opens the backend: which engine, which library, which device. */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { cudaBackend } from "./backend.ts";
import { loadLibrary } from "./library.ts";
import { checkVariables, engineSettings } from "./settings.ts";
import { tfjsEngine } from "./tfjs-engine.ts";

export interface CudaOptions {
  /** Our kernels, or TensorFlow.js through @tensorflow/tfjs-node-gpu (f32 only, slower). Default "native". */
  readonly engine?: "native" | "tfjs";
  /** Which of the GPUs that the driver shows (CUDA_VISIBLE_DEVICES); default 0. */
  readonly device?: number;
  /** Run the kernels on the CPU, thread by thread: for tests, not for speed; `native` only. Default: whether MODERNBERT_CUDA_EMULATE is 1. */
  readonly emulate?: boolean;
  /** Make products by cuBLASLt, without which there is no backend. `false`: do without, at a small part of the speed. Default: true. */
  readonly cublasLt?: boolean;
}

/**
 * A backend on an NVIDIA GPU.
 * @throws CudaUnavailableError that says what is missing: the library, the driver, a GPU, cuBLASLt, or what TensorFlow.js needs.
 * @throws TensorError for an engine or a device that there is not, or a variable of the environment that says what it cannot.
 */
export async function createCudaBackend(options: CudaOptions = {}): Promise<Backend> {
  const {
    engine = "native",
    device = 0,
    emulate = process.env["MODERNBERT_CUDA_EMULATE"] === "1",
    cublasLt = true,
  } = options;
  checkVariables();
  if (engine === "tfjs") return tfjsEngine(device);
  if (engine !== "native")
    throw new TensorError("createCudaBackend", `expected engine native or tfjs, got ${String(engine)}`);
  const library = loadLibrary(emulate ? "emulated" : "cuda");
  const valid = Number.isInteger(device) && device >= 0;
  library.checkDevice(valid ? device : 0);
  const name = valid ? library.deviceName(device) : undefined;
  if (name === undefined) throw new TensorError("createCudaBackend", `expected a device that there is, got ${device}`);
  return cudaBackend(library, device, name, engineSettings(), cublasLt);
}
