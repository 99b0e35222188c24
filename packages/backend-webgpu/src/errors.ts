/** The error of a machine without a usable GPU. */

/** No WebGPU device can be had here; the message says what to install or to choose instead. */
export class WebGpuUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(`[createWebGpuBackend] ${message}`, options);
    this.name = "WebGpuUnavailableError";
  }
}
