/** The CPU backend: a native engine (C kernels), a WebAssembly and a TypeScript engine behind one function. */
export { createCpuBackend } from "./create.ts";
export type { CpuBackendOptions, CpuEngine } from "./choose.ts";
