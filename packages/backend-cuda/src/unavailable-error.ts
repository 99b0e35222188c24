/** No CUDA device can be used here. */

export class CudaUnavailableError extends Error {
  /** What is missing, without the advice: what `auto` reports. */
  readonly reason: string;
  /** What to install or to choose instead. */
  readonly advice: string;
  constructor(reason: string, advice: string, options?: ErrorOptions) {
    super(`[createCudaBackend] ${reason}: ${advice}`, options);
    this.name = "CudaUnavailableError";
    this.reason = reason;
    this.advice = advice;
  }
}
