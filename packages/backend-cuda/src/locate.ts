/** Where the native libraries are: those that were built here. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** With kernels for GPUs, or for the CPU. */
export type LibraryKind = "cuda" | "emulated";

const fileNames: Readonly<Record<LibraryKind, string>> = {
  cuda: "modernbert_cuda.node",
  emulated: "modernbert_cuda_emulated.node",
};

/** The library's path, undefined where it was not built. MODERNBERT_CUDA_LIBRARY names another one for GPUs, which is not checked here. */
export function findLibrary(kind: LibraryKind): string | undefined {
  const asked = process.env["MODERNBERT_CUDA_LIBRARY"];
  if (asked && kind === "cuda") return asked;
  const built = new URL(`../build/${process.platform}-${process.arch}/${fileNames[kind]}`, import.meta.url);
  return existsSync(built) ? fileURLToPath(built) : undefined;
}
