/** Gives a stream its cuBLASLt: the one of this machine, or, for the emulated library, the one that it carries. */
import type { StreamHandle } from "@modernbert-ts/device-kit";
import { findCublasLt } from "./find-cublaslt.ts";
import type { CudaLibrary } from "./library.ts";
import { CudaUnavailableError } from "./unavailable-error.ts";

const advice =
  "install the CUDA toolkit or `pip install nvidia-cublas`, or name the folder of libcublasLt.so.13 in MODERNBERT_CUDA_LIBRARY_PATH";

/** @returns what was opened, for people. @throws CudaUnavailableError that says where it was looked for. */
export function openProducts(library: CudaLibrary, stream: StreamHandle): string {
  const path = library.cublasLt ?? found();
  const reason = library.openProducts(stream, path);
  if (reason !== undefined) throw new CudaUnavailableError(`cuBLASLt does not start (${path}: ${reason})`, advice);
  const version = library.productsVersion(stream);
  return `cuBLASLt ${Math.floor(version / 10_000)}.${Math.floor(version / 100) % 100}.${version % 100}`;
}

function found(): string {
  const { path, places } = findCublasLt();
  if (path !== undefined) return path;
  throw new CudaUnavailableError(
    "there is no cuBLASLt (libcublasLt.so.13 or .12)",
    `${advice}; it was looked for in ${places.join(", ")}`,
  );
}
