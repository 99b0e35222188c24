/** The WebGPU backend: one code base for browsers and, through the package webgpu, for Node. No Node API and no import of webgpu here. */
export { createWebGpuBackend } from "./create.ts";
export type { WebGpuBackendOptions } from "./create.ts";
export type { DeviceLimits, WebGpuBackend } from "./backend.ts";
export type { Features, OptionalFeature } from "./features.ts";
export type { StreamStats } from "./device/stream.ts";
export type { MatmulTable } from "./kernels/matmul-choice.ts";
export type { RecipeName } from "./kernels/matmul-recipes.ts";
export type { TuningStore } from "./tuning-store.ts";
export { OutOfDeviceMemoryError, WebGpuUnavailableError } from "./errors.ts";
