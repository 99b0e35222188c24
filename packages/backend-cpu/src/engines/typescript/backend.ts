/**
 * The TypeScript engine: every primitive as readable loops over typed arrays, run at once. The oracle of the other backends (it has
 * f64), and what runs where nothing faster can. No Node API here.
 */
import type { Backend, PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { createEngine } from "../engine.ts";
import { alongKernels } from "./along.ts";
import { copyKernels } from "./copy.ts";
import { fillKernels } from "./fill.ts";
import { fusedKernels } from "./fused/kernels.ts";
import { lookupKernels } from "./lookup.ts";
import { mapKernels } from "./map.ts";
import { matmulKernels } from "./matmul.ts";
import { heapMemory, HostBuffers } from "./memory.ts";
import type { Operand } from "./operand.ts";
import { randomKernels } from "./random.ts";
import { reduceKernels } from "./reduce.ts";

export interface TypeScriptBackendOptions {
  /** Largest buffer that `allocate` gives. Default 2 GiB. */
  readonly maxBufferBytes?: number;
  /** Most bytes that the pool keeps for reuse. Default 2 GiB. */
  readonly maxCachedBytes?: number;
  /** Fills fresh buffers with NaN patterns, so that reading what was never written shows. For tests. Default false. */
  readonly poison?: boolean;
}

/** The annotation makes an engine that lacks a primitive fail to compile. */
export const typescriptKernels: PrimitiveKernels<Operand> = {
  ...fillKernels,
  ...randomKernels,
  ...copyKernels,
  ...mapKernels,
  ...reduceKernels,
  ...matmulKernels,
  ...lookupKernels,
  ...alongKernels,
};

export function createTypeScriptBackend(options: TypeScriptBackendOptions = {}): Backend {
  const { maxBufferBytes = 2 ** 31, maxCachedBytes = 2 ** 31, poison = false } = options;
  return createEngine({
    device: "TypeScript engine, 1 thread",
    maxBufferBytes,
    memory: new HostBuffers(heapMemory, poison, { maxBlockBytes: maxBufferBytes, maxCachedBytes }),
    kernels: typescriptKernels,
    fused: fusedKernels,
  });
}
