/**
 * The WebAssembly engine: the TypeScript engine with its buffers in one WebAssembly memory, and SIMD kernels, on threads where memory can be
 * shared, for what is hot. For browsers without WebGPU and machines without the native library. Kernels run at once, on the calling thread
 * and its workers: an app that must not stall puts the backend into a worker.
 */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { createEngine } from "../engine.ts";
import { typescriptKernels } from "../typescript/backend.ts";
import { HostBuffers } from "../typescript/memory.ts";
import { createArena } from "./arena.ts";
import { createBorrow } from "./context.ts";
import { fusedKernels } from "./fused/kernels.ts";
import { createMatmul } from "./matmul.ts";
import { compileKernels } from "./module.ts";
import { availableThreads, canShareMemory } from "./platform.ts";
import { controlBytes, createThreads } from "./threads.ts";

const maxThreads = 64;

export interface WasmBackendOptions {
  /**
   * Threads, the calling one included. Default: all cores where memory can be shared between threads (Node; browsers on pages that are
   * cross-origin isolated), else 1.
   */
  readonly threads?: number;
  /** Largest buffer that `allocate` gives. Default 2 GiB; all buffers together have less than 4 GiB. */
  readonly maxBufferBytes?: number;
  /** Most bytes that the pool keeps for reuse. Default 1 GiB. */
  readonly maxCachedBytes?: number;
  /** Fused multiply-add by relaxed SIMD: faster, and rounded as the processor has it. Default: where the host has it. */
  readonly relaxed?: boolean;
  /** Fills fresh buffers with NaN patterns, so that reading what was never written shows. For tests. Default false. */
  readonly poison?: boolean;
}

/** Rejects with `WasmUnavailableError` where WebAssembly has no SIMD or may not be compiled, with `WasmWorkersError` where no worker starts. */
export async function createWasmBackend(options: WasmBackendOptions = {}): Promise<Backend> {
  const { maxBufferBytes = 2 ** 31, maxCachedBytes = 2 ** 30, poison = false } = options;
  const threadCount = checkThreads(options.threads);
  const { module, relaxed } = await compileKernels(options.relaxed);
  const arena = createArena(controlBytes);
  const threads = await createThreads(module, arena, threadCount);
  const memory = new HostBuffers(arena, poison, { maxBlockBytes: maxBufferBytes, maxCachedBytes });
  const borrow = createBorrow(memory);
  return createEngine({
    device: `CPU, WebAssembly ${relaxed ? "relaxed SIMD" : "SIMD"}, ${threadCount} thread${threadCount === 1 ? "" : "s"}`,
    maxBufferBytes,
    memory,
    kernels: { ...typescriptKernels, matmul: createMatmul(threads) },
    fused: (resolve) => fusedKernels({ resolve, threads, borrow }),
    dispose: () => threads.dispose(),
  });
}

function checkThreads(asked: number | undefined): number {
  const shared = canShareMemory();
  if (asked === undefined) return shared ? Math.min(maxThreads, availableThreads()) : 1;
  if (!Number.isInteger(asked) || asked < 1 || asked > maxThreads) {
    throw new TensorError("createWasmBackend", `expected 1 to ${maxThreads} threads, got ${asked}`);
  }
  if (asked > 1 && !shared) {
    throw new TensorError(
      "createWasmBackend",
      `expected 1 thread on a page that is not cross-origin isolated (it has no SharedArrayBuffer), got ${asked}: serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp`,
    );
  }
  return asked;
}
