/**
 * The TypeScript engine: every primitive as readable loops over typed arrays, run at once. The oracle of the other backends (it has
 * f64), and what runs where there is no native library, browsers included. No Node API here.
 */
import { DeviceValueError } from "@modernbert-ts/tensor-core";
import type { Backend, DType, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { alongKernels } from "./along.ts";
import { copyKernels } from "./copy.ts";
import { fillKernels } from "./fill.ts";
import { fusedKernels } from "./fused/kernels.ts";
import { lookupKernels } from "./lookup.ts";
import { mapKernels } from "./map.ts";
import { matmulKernels } from "./matmul.ts";
import { createMemoryPool } from "./memory.ts";

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

const dtypes: readonly DType[] = ["f32", "f64", "f16", "bf16", "i32", "u32"];

/** The annotation makes an engine that lacks a primitive fail to compile. */
const kernels: PrimitiveKernels<Operand> = {
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
  const memory = createMemoryPool({ maxBufferBytes, maxCachedBytes, poison });
  let pending: DeviceValueError | undefined;

  const resolve = (operation: string, view: View): Operand => {
    return { ...view, data: memory.elements(operation, view.buffer, view.dtype) };
  };
  /** A kernel that meets a bad value finishes and throws; the error waits for the next `read` or `synchronize`. */
  const attempt = (kernel: () => void): void => {
    try {
      kernel();
    } catch (error) {
      if (!(error instanceof DeviceValueError)) throw error;
      pending ??= error;
    }
  };
  const throwPending = (): void => {
    const error = pending;
    pending = undefined;
    if (error !== undefined) throw error;
  };

  return {
    name: "cpu",
    capabilities: {
      storage: dtypes,
      arithmetic: dtypes,
      accelerated: ["f32"],
      maxBufferBytes,
      deterministic: true,
      device: "TypeScript engine, 1 thread",
    },
    fused: fusedKernels((view) => resolve("fused", view), attempt),
    allocate: (byteLength) => memory.allocate(byteLength),
    release: (buffer) => memory.release(buffer),
    write(buffer, data, byteOffset = 0) {
      const source = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      new Uint8Array(memory.bytes("write", buffer), byteOffset, data.byteLength).set(source);
    },
    async read(buffer, byteOffset, byteLength) {
      throwPending();
      return new Uint8Array(memory.bytes("read", buffer), byteOffset, byteLength).slice().buffer;
    },
    run(op, outputs, inputs, attrs) {
      const operands = (views: readonly View[]): Operand[] => views.map((view) => resolve(op, view));
      attempt(() => kernels[op](operands(outputs), operands(inputs), attrs));
    },
    flush() {},
    async synchronize() {
      throwPending();
    },
    memory: () => memory.stats(),
    trim: (limit = 0) => memory.trim(limit),
    async [Symbol.asyncDispose]() {
      memory.clear();
    },
  };
}
