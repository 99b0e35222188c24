/** Where the native libraries are: those that were built here, else the one of the package for this platform. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const platform = `${process.platform}-${process.arch}`;

/** The package that brings the library for GPUs, an optional dependency of the published package; undefined where there is none. */
export const platformPackage: string | undefined =
  platform === "linux-x64" ? `@modernbert-ts/backend-cuda-${platform}` : undefined;

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

/** The library's path, undefined where this machine has none. */
export function findLibrary(kind: LibraryKind): string | undefined {
  const asked = process.env[variables[kind]];
  if (asked) return asked;
  const built = new URL(`../build/${platform}/${fileNames[kind]}`, import.meta.url);
  if (existsSync(built)) return fileURLToPath(built);
  if (kind === "emulated" || platformPackage === undefined) return undefined;
  try {
    return createRequire(import.meta.url).resolve(`${platformPackage}/${fileNames[kind]}`);
  } catch {
    return undefined;
  }
}
