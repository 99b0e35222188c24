/** The WebAssembly engine on its own, for browsers and for machines without the native library. */
export { createWasmBackend } from "./backend.ts";
export type { WasmBackendOptions } from "./backend.ts";
export { WasmUnavailableError } from "./module.ts";
