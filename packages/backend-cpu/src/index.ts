/** The CPU backend: a native engine (C kernels) and a TypeScript engine behind one function. */
export { createCpuBackend } from "./create.ts";
export type { CpuBackendOptions } from "./create.ts";
