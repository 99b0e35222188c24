/** The CPU backend in browsers (package.json names this file for them): WebAssembly, else TypeScript. Nothing of Node is reached. */
import type { Backend } from "@modernbert-ts/tensor-core";
import { chooseEngine } from "./choose.ts";
import type { CpuBackendOptions } from "./choose.ts";

export type { CpuBackendOptions, CpuEngine } from "./choose.ts";

/** A backend on this machine's CPU. Rejects when the engine that was asked for cannot run here. */
export function createCpuBackend(options: CpuBackendOptions = {}): Promise<Backend> {
  return chooseEngine(options);
}
