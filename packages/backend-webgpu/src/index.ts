/** The WebGPU backend: one code base for browsers and, through the package webgpu, for Node. No Node API and no import of webgpu here. */
export { createWebGpuBackend } from "./create.ts";
export type { WebGpuBackendOptions } from "./create.ts";
export type { DeviceLimits, WebGpuBackend } from "./backend.ts";
export type { StreamStats } from "./device/stream.ts";
export { OutOfDeviceMemoryError, WebGpuUnavailableError } from "./errors.ts";
