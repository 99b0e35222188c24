/** The backend over a WebGPU device: buffers, the command stream, the kernels. */
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Backend, DType, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { createFaults } from "./device/faults.ts";
import { createMemory } from "./device/memory.ts";
import { createStream } from "./device/stream.ts";
import type { StreamStats } from "./device/stream.ts";
import { createTransfers } from "./device/transfers.ts";
import { fusedKernels } from "./fused/kernels.ts";
import { badValueError } from "./kernels/bad-values.ts";
import { elementwiseKernels } from "./kernels/elementwise.ts";
import { lookupKernels } from "./kernels/lookup.ts";
import { chooseRecipe } from "./kernels/matmul-choice.ts";
import type { MatmulTable } from "./kernels/matmul-choice.ts";
import type { RecipeName } from "./kernels/matmul-recipes.ts";
import { tuneMatmul } from "./kernels/matmul-tuning.ts";
import { matmulKernels } from "./kernels/matmul.ts";
import { repeatedRow, sourceKernels } from "./kernels/random.ts";
import { reduceKernels } from "./kernels/reduce.ts";
import type { Device } from "./kernels/space.ts";

export interface DeviceLimits {
  /** Largest window of a buffer that one shader may see, in bytes. */
  readonly maxStorageBufferBindingSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  /** Largest buffer in bytes. */
  readonly maxBufferSize: number;
}

export interface BackendSettings {
  readonly device: GPUDevice;
  readonly limits: DeviceLimits;
  readonly maxCachedBytes: number;
  readonly maxDispatchesPerFlush: number;
  /** One line for people. */
  readonly description: string;
  /** The shader that products take, by class or one for all; undefined: by rule. */
  readonly matmul: MatmulTable | RecipeName | undefined;
  /** Kernels for software adapters. */
  readonly avoidsBarriers: boolean;
  /** WGSL has `dot4I8Packed`. */
  readonly hasPackedDot: boolean;
  /** Runs after the backend's own buffers are gone. */
  readonly dispose: () => void;
}

export interface WebGpuBackend extends Backend {
  /** Counts since the start: dispatches, passes, submits, compiled pipelines, bytes to and from the device. */
  stats(): StreamStats;
  /** Measures which matmul shader is fastest for which products, and takes those from now on. Nothing may be queued meanwhile. */
  tune(options?: { readonly size?: number; readonly rows?: readonly number[] }): Promise<MatmulTable>;
}

const dtypes: readonly DType[] = ["f32", "f16", "bf16", "i32", "u32"];
const errorBytes = 16;

export function createBackend(settings: BackendSettings): WebGpuBackend {
  const { device, limits } = settings;
  const faults = createFaults(device);
  let errorsMarked = false;
  let { matmul } = settings;

  const memory = createMemory(device, limits.maxBufferSize, settings.maxCachedBytes, () => stream.forget());
  const stream = createStream(device, memory, {
    maxDispatches: settings.maxDispatchesPerFlush,
    check: faults.check,
    fail: faults.fail,
  });
  const errors = memory.find("errors", memory.allocate(errorBytes));
  const ownBuffers = memory.stats();

  const kernelDevice: Device = {
    stream,
    memory,
    errors,
    markErrors: () => {
      errorsMarked = true;
    },
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    bindingAlignment: device.limits.minStorageBufferOffsetAlignment,
    maxBindings: limits.maxStorageBuffersPerShaderStage,
    avoidsBarriers: settings.avoidsBarriers,
    hasPackedDot: settings.hasPackedDot,
  };
  const transfers = createTransfers(stream);
  const elementwise = elementwiseKernels(kernelDevice);
  const { fill } = elementwise;
  const copy = (out: View, x: View): void => elementwise.copy([out], [x], {});
  const clear = (out: View): void => fill([out], [], { value: 0 });
  /** The annotation makes a backend that lacks a primitive fail to compile. */
  const kernels: PrimitiveKernels<View> = {
    ...elementwise,
    ...sourceKernels(kernelDevice, (out, row, dtype) => {
      const buffer = memory.allocate(row.byteLength);
      stream.upload(memory.find("iota", buffer), 0, row);
      elementwise.copy([out], [repeatedRow({ ...out, buffer, dtype, offset: 0 }, out.shape)], {});
      memory.release(buffer);
    }),
    ...reduceKernels(kernelDevice, copy),
    ...matmulKernels(kernelDevice, copy, (product) => chooseRecipe(product, matmul)),
    ...lookupKernels(kernelDevice, clear, copy),
  };

  /** Downloads, then reports what went wrong before. */
  async function download(operation: string, ranges: Parameters<typeof stream.download>[0]): Promise<Uint8Array[]> {
    faults.throwIfAny();
    const marked = errorsMarked;
    errorsMarked = false;
    const wanted = marked ? [...ranges, { buffer: errors, byteOffset: 0, byteLength: errorBytes }] : ranges;
    let parts: Uint8Array[];
    try {
      const pending = wanted.length === 0 ? undefined : stream.download(wanted, marked ? errors : undefined);
      if (pending === undefined) {
        stream.flush();
        await device.queue.onSubmittedWorkDone();
      }
      parts = (await pending) ?? [];
    } catch (cause) {
      // A lost device rejects the mapping first and says why a little later.
      await Promise.race([device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
      faults.throwIfAny();
      throw new TensorError(operation, "expected the device to hand over bytes, got an error", { cause });
    }
    await faults.settle();
    faults.throwIfAny();
    if (!marked) return parts;
    const words = new Uint32Array(parts.pop()!.slice().buffer);
    const error = badValueError(words);
    if (error !== undefined) throw error;
    return parts;
  }

  return {
    name: "webgpu",
    capabilities: {
      storage: dtypes,
      arithmetic: dtypes,
      accelerated: ["f32", "f16", "bf16"],
      maxBufferBytes: limits.maxBufferSize,
      deterministic: true,
      device: settings.description,
    },
    fused: fusedKernels({ device: kernelDevice, primitives: kernels, clear }),
    allocate(byteLength) {
      faults.throwIfAny();
      return memory.allocate(byteLength);
    },
    release(buffer) {
      if (!faults.disposed) memory.release(buffer);
    },
    write(buffer, data, byteOffset = 0) {
      faults.throwIfAny();
      const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
      transfers.write(memory.find("write", buffer), byteOffset, bytes);
    },
    async read(buffer, byteOffset, byteLength) {
      const from = memory.find("read", buffer);
      const start = Math.floor(byteOffset / 4) * 4;
      const length = Math.ceil((byteOffset + byteLength - start) / 4) * 4;
      const ranges = byteLength === 0 ? [] : [{ buffer: from, byteOffset: start, byteLength: length }];
      const [bytes] = await download("read", ranges);
      if (bytes === undefined) return new ArrayBuffer(0);
      return bytes.slice(byteOffset - start, byteOffset - start + byteLength).buffer as ArrayBuffer;
    },
    run(op, outputs, inputs, attrs) {
      faults.throwIfAny();
      kernels[op](outputs, inputs, attrs);
    },
    flush() {
      if (!faults.disposed && !faults.any) stream.flush();
    },
    async synchronize() {
      await download("synchronize", []);
    },
    memory() {
      const stats = memory.stats();
      return {
        ...stats,
        activeBytes: stats.activeBytes - ownBuffers.activeBytes,
        liveBuffers: stats.liveBuffers - ownBuffers.liveBuffers,
      };
    },
    trim(maxCachedBytes = 0) {
      if (!faults.disposed) memory.trim(maxCachedBytes);
    },
    stats: () => stream.stats(),
    async tune(options) {
      faults.throwIfAny();
      const table = await tuneMatmul(kernelDevice, {
        ...options,
        finish: async () => void (await download("tune", [])),
      });
      matmul = table;
      return table;
    },
    async [Symbol.asyncDispose]() {
      if (faults.disposed) return;
      if (!faults.any) {
        stream.flush();
        await device.queue.onSubmittedWorkDone();
      }
      faults.dispose();
      memory.destroy();
      stream.destroy();
      settings.dispose();
    },
  };
}
