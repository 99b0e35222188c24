/** The device that a worker's models run on: WebGPU, or the CPU, with what a person should know of it. */
import { createBackend } from "@modernbert-ts/backends";
import type { Backend } from "@modernbert-ts/tensor-core";

/** A GPU if there is one; WebGPU even where its adapter is a program on the CPU, which is slower than the CPU engine; the CPU. */
export type DeviceName = "auto" | "webgpu" | "cpu";

export interface DeviceReport {
  readonly backend: "webgpu" | "cpu";
  /** One line for people, such as "CPU, WebAssembly SIMD, 4 threads". */
  readonly name: string;
  /** Why it is not the GPU, why it has one thread: what keeps it from being quicker. Empty where nothing does. */
  readonly notes: readonly string[];
}

export interface OpenDevice {
  readonly backend: Backend;
  readonly report: DeviceReport;
}

/** @throws BackendUnavailableError where the device that was asked for cannot be had. */
export async function openDevice(device: DeviceName): Promise<OpenDevice> {
  const { backend, name, refusals } = await createBackend(device);
  return {
    backend,
    report: {
      backend: name === "webgpu" ? "webgpu" : "cpu",
      name: backend.capabilities.device,
      notes: [...refusals.map(cpuNote), ...(name === "cpu" ? threadNotes() : [])],
    },
  };
}

/** `auto` left the GPU out. */
function cpuNote(refusal: string): string {
  return `running on the CPU: ${refusal.replace(/^no webgpu device: /, "")}`;
}

/** Threads share memory, which browsers allow on isolated pages only. */
function threadNotes(): string[] {
  if ("SharedArrayBuffer" in globalThis) return [];
  return [
    "one thread: this page is not isolated from other origins, so threads cannot share memory; its server has to send Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
  ];
}
