/** The WebGPU backend: one code base for browsers and, through the package webgpu, for Node. No Node API and no import of webgpu here. */
export { createWebGpuBackend } from "./create.ts";
export type { DeviceLimits, WebGpuBackend, WebGpuBackendOptions } from "./options.ts";
export type { WebGpu, WebGpuAdapter, WebGpuDevice } from "./webgpu-types.ts";
export type { Features, OptionalFeature } from "./features.ts";
export type { StreamStats } from "./device/stats.ts";
export type { MatmulTable, RecipeName } from "./kernels/recipe-names.ts";
export type { TuningStore } from "./tuning-store.ts";
export { OutOfDeviceMemoryError, WebGpuUnavailableError } from "./errors.ts";
