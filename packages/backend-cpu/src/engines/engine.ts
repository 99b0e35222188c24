/**
 * What the engines that run each command at once have in common (the TypeScript and the WebAssembly engine): buffers, transfers, and
 * errors of bad values that wait for the next `read`. They differ in where buffers lie and in their kernels. No Node API here.
 */
import { DeviceValueError } from "@modernbert-ts/tensor-core";
import type { Backend, DType, FusedImplementations, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import type { MemoryPool } from "./typescript/memory.ts";
import type { Operand } from "./typescript/operand.ts";

/** What fused kernels get from the engine. */
export interface EngineContext {
  /** A view with its memory. */
  readonly resolve: (view: View) => Operand;
  /** Runs a kernel and keeps the error of a bad value for the next `read`. */
  readonly attempt: (kernel: () => void) => void;
}

export interface EngineParts {
  readonly device: string;
  readonly maxBufferBytes: number;
  readonly memory: MemoryPool;
  readonly kernels: PrimitiveKernels<Operand>;
  readonly fused: (context: EngineContext) => Partial<FusedImplementations>;
  readonly dispose?: () => Promise<void>;
}

const dtypes: readonly DType[] = ["f32", "f64", "f16", "bf16", "i32", "u32"];

export function createEngine({ device, maxBufferBytes, memory, kernels, fused, dispose }: EngineParts): Backend {
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
      device,
    },
    fused: fused({ resolve: (view) => resolve("fused", view), attempt }),
    allocate: (byteLength) => memory.allocate(byteLength),
    release: (buffer) => memory.release(buffer),
    write(buffer, data, byteOffset = 0) {
      const source = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      memory.bytes("write", buffer).set(source, byteOffset);
    },
    async read(buffer, byteOffset, byteLength) {
      throwPending();
      const result = new Uint8Array(byteLength);
      result.set(memory.bytes("read", buffer).subarray(byteOffset, byteOffset + byteLength));
      return result.buffer;
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
      await dispose?.();
    },
  };
}
