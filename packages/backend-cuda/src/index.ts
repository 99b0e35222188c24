/** The CUDA backend: kernels behind a command stream on an NVIDIA GPU, or, for tests, emulated on the CPU. */
export { createCudaBackend } from "./create.ts";
export type { CudaOptions } from "./create.ts";
export { CudaUnavailableError } from "./unavailable-error.ts";
