/**
 * What the options take of WebGPU, by structure: whoever compiles against this package needs no types of WebGPU, which lib.dom has from
 * TypeScript 6 on only. A `GPU`, `GPUAdapter` or `GPUDevice` of any types fits.
 */

interface Names {
  has(name: string): boolean;
}

/** A `GPUDevice`. */
export interface WebGpuDevice {
  readonly features: Names;
  readonly limits: object;
  readonly queue: object;
  createBuffer(descriptor: never): object;
  destroy(): void;
}

/** A `GPUAdapter`. */
export interface WebGpuAdapter {
  readonly features: Names;
  readonly limits: object;
  requestDevice(descriptor?: never): Promise<object>;
}

/** A `GPU`, as `navigator.gpu`. */
export interface WebGpu {
  requestAdapter(options?: never): Promise<object | null>;
}
