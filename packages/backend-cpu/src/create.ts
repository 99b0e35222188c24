/** Chooses the engine of the CPU backend and says so when it is not the fast one. No Node API here: a browser gets the TypeScript engine. */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import type { NativeOptions } from "./native/create.ts";
import { NativeLibraryError } from "./native-library-error.ts";
import { createTypeScriptBackend } from "./typescript/backend.ts";

export interface CpuBackendOptions extends NativeOptions {
  /** `auto` (the default) takes the native engine, without a native library the TypeScript engine with a notice; a broken library rejects. */
  readonly engine?: "auto" | "native" | "typescript";
  /** Gets the notice of `auto` when it cannot take the native engine; default: console.warn. */
  readonly onNotice?: (notice: string) => void;
}

/** A backend on this machine's CPU. Rejects when the engine that was asked for cannot run here. */
export async function createCpuBackend(options: CpuBackendOptions = {}): Promise<Backend> {
  const { engine = "auto", onNotice = console.warn } = options;
  switch (engine) {
    case "native":
      return (await loadEngine())(options);
    case "typescript":
      return createTypeScriptBackend();
    case "auto": {
      let createNative;
      try {
        createNative = await loadEngine();
      } catch (error) {
        if (error instanceof NativeLibraryError) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        onNotice(
          `The CPU backend takes its TypeScript engine, which is slow, because the native one cannot run: ${reason}`,
        );
        return createTypeScriptBackend();
      }
      return createNative(options);
    }
    default:
      engine satisfies never;
      throw new TensorError("createCpuBackend", `expected engine auto, native or typescript, got ${String(engine)}`);
  }
}

async function loadEngine(): Promise<(options: NativeOptions) => Backend> {
  const { loadNativeEngine } = await import("./native/create.ts");
  return loadNativeEngine();
}
