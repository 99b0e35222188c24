/** The CPU backend in Node: all engines. The native one is only loaded when it is tried. */
import type { Backend } from "@modernbert-ts/tensor-core";
import { chooseEngine } from "./choose.ts";
import type { CpuBackendOptions } from "./choose.ts";

/** A backend on this machine's CPU. Rejects when the engine that was asked for cannot run here. */
export function createCpuBackend(options: CpuBackendOptions = {}): Promise<Backend> {
  return chooseEngine(options, async () => {
    const { loadNativeEngine } = await import("./engines/native/create.ts");
    return loadNativeEngine();
  });
}
