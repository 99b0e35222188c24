/** Where the native libraries are: those that were built here. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** With kernels for GPUs, or for the CPU. */
export type LibraryKind = "cuda" | "emulated";

const fileNames: Readonly<Record<LibraryKind, string>> = {
  cuda: "modernbert_cuda.node",
  emulated: "modernbert_cuda_emulated.node",
};

/** Other libraries than those, which are not checked here. */
const variables: Readonly<Record<LibraryKind, string>> = {
  cuda: "MODERNBERT_CUDA_LIBRARY",
  emulated: "MODERNBERT_CUDA_EMULATED_LIBRARY",
};

/** The library's path, undefined where it was not built. */
export function findLibrary(kind: LibraryKind): string | undefined {
  const asked = process.env[variables[kind]];
  if (asked) return asked;
  const built = new URL(`../build/${process.platform}-${process.arch}/${fileNames[kind]}`, import.meta.url);
  return existsSync(built) ? fileURLToPath(built) : undefined;
}
