/** Chooses the engine of the CPU backend and says so when it is not the fast one. No Node API here. */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import type { NativeOptions } from "./engines/native/create.ts";
import { NativeLibraryError } from "./engines/native/library-error.ts";
import { createTypeScriptBackend } from "./engines/typescript/backend.ts";
import { createWasmBackend } from "./engines/wasm/backend.ts";
import { WasmUnavailableError } from "./engines/wasm/module.ts";
import { WasmWorkersError } from "./engines/wasm/threads.ts";

/** C kernels as a Node-API addon; WebAssembly SIMD, anywhere; plain TypeScript, slow, anywhere. */
export type CpuEngine = "native" | "wasm" | "typescript";

export interface CpuBackendOptions extends NativeOptions {
  /** `auto` (the default) takes the first of native, wasm and typescript that can run here, with a notice when it is not the first; a broken native library rejects. */
  readonly engine?: CpuEngine | "auto";
  /** Threads of the native or the WebAssembly engine; default: all cores that this process may use. */
  readonly threads?: number;
  /** Gets the notice of `auto`; default: console.warn. */
  readonly onNotice?: (notice: string) => void;
}

/** Makes native backends. Loading it rejects where the native engine cannot run. */
export type LoadNative = () => Promise<(options: NativeOptions) => Backend>;

/** @param loadNative Absent in browsers, which cannot have the native engine: its absence is no news there. */
export async function chooseEngine(options: CpuBackendOptions, loadNative?: LoadNative): Promise<Backend> {
  const { engine = "auto", onNotice = console.warn } = options;
  switch (engine) {
    case "native":
      if (loadNative) return (await loadNative())(options);
      throw new TensorError("createCpuBackend", "expected engine auto, wasm or typescript in a browser, got native");
    case "wasm":
      return createWasm(options);
    case "typescript":
      return createTypeScriptBackend();
    case "auto":
      return chooseFirst(options, onNotice, loadNative);
    default:
      engine satisfies never;
      throw new TensorError(
        "createCpuBackend",
        `expected engine auto, native, wasm or typescript, got ${String(engine)}`,
      );
  }
}

async function chooseFirst(
  options: CpuBackendOptions,
  onNotice: (notice: string) => void,
  loadNative?: LoadNative,
): Promise<Backend> {
  const refusals: string[] = [];
  if (loadNative) {
    let createNative;
    try {
      createNative = await loadNative();
    } catch (error) {
      if (error instanceof NativeLibraryError) throw error;
      refusals.push(`the native one cannot run: ${messageOf(error)}`);
    }
    if (createNative) return createNative(options);
  }
  try {
    const backend = await createWasmOrAlone(options, onNotice);
    if (refusals.length > 0) onNotice(`The CPU backend takes its WebAssembly engine, because ${refusals[0]}`);
    return backend;
  } catch (error) {
    if (!(error instanceof WasmUnavailableError)) throw error;
    refusals.push(`the WebAssembly one cannot run: ${messageOf(error)}`);
  }
  onNotice(`The CPU backend takes its TypeScript engine, which is slow, because ${refusals.join("; ")}`);
  return createTypeScriptBackend();
}

/** Where no worker may start, one thread does, unless several were asked for. */
async function createWasmOrAlone(options: CpuBackendOptions, onNotice: (notice: string) => void): Promise<Backend> {
  try {
    return await createWasm(options);
  } catch (error) {
    if (!(error instanceof WasmWorkersError) || options.threads !== undefined) throw error;
    const backend = await createWasm({ ...options, threads: 1 });
    onNotice(`The WebAssembly engine takes one thread, because workers do not start: ${messageOf(error)}`);
    return backend;
  }
}

function createWasm({ threads }: CpuBackendOptions): Promise<Backend> {
  return createWasmBackend(threads === undefined ? {} : { threads });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
