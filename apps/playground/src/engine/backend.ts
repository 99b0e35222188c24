/** The device that models run on: WebGPU, or the CPU with the reason why. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { createWebGpuBackend, WebGpuUnavailableError } from "@modernbert-ts/backend-webgpu";
import type { Backend } from "@modernbert-ts/tensor-core";

export interface OpenBackend {
  readonly backend: Backend;
  /** Why it is not the GPU. */
  readonly fallback?: string;
}

export async function openBackend(): Promise<OpenBackend> {
  try {
    return { backend: await createWebGpuBackend() };
  } catch (error) {
    if (!(error instanceof WebGpuUnavailableError)) throw error;
    return { backend: await createCpuBackend(), fallback: error.message.replace(/^\[\w+\] /, "") };
  }
}

/** The CPU engine of pages. */
async function createCpuBackend(): Promise<Backend> {
  return createTypeScriptBackend();
}
