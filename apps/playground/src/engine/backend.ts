/** The device that models run on: WebGPU, or the CPU with the reason why. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { createWebGpuBackend, WebGpuUnavailableError } from "@modernbert-ts/backend-webgpu";
import type { Backend } from "@modernbert-ts/tensor-core";
import type { DeviceName } from "./protocol.ts";

export interface OpenBackend {
  readonly backend: Backend;
  /** Why it is not the GPU. */
  readonly fallback?: string;
}

/** `auto` leaves a GPU that is a program on the CPU alone: the CPU engine is faster. */
export async function openBackend(device: DeviceName): Promise<OpenBackend> {
  if (device === "cpu") return { backend: await createCpuBackend() };
  try {
    return { backend: await createWebGpuBackend({ allowSoftware: device === "webgpu" }) };
  } catch (error) {
    if (!(error instanceof WebGpuUnavailableError)) throw error;
    return { backend: await createCpuBackend(), fallback: error.reason };
  }
}
