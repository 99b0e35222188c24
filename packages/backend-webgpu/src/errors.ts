/** Typed errors of this package; those of a running device are tensor-core's. */
import { TensorError } from "@modernbert-ts/tensor-core";

/** No WebGPU device can be had here; the message says what to install or to choose instead. */
export class WebGpuUnavailableError extends Error {
  readonly reason: string;
  readonly advice: string;
  constructor(reason: string, advice: string, options?: ErrorOptions) {
    super(`[createWebGpuBackend] ${reason}: ${advice}`, options);
    this.name = "WebGpuUnavailableError";
    this.reason = reason;
    this.advice = advice;
  }
}

/** The device has no room for a buffer. What was queued since the last `read` or `synchronize` has no result. */
export class OutOfDeviceMemoryError extends TensorError {}
