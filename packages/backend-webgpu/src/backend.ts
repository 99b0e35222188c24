/** The backend over a WebGPU device: buffers, the command stream, the kernels. */
import { captureReplay, Lifetime, replayCalls } from "@modernbert-ts/device-kit";
import type { DType, PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { createFaults } from "./device/faults.ts";
import { createMemory } from "./device/memory.ts";
import { createStream } from "./device/stream.ts";
import { createTransfers } from "./device/transfers.ts";
import type { Features } from "./features.ts";
import { fusedKernels } from "./fused/kernels.ts";
import { elementwiseKernels } from "./kernels/elementwise.ts";
import { lookupKernels } from "./kernels/lookup.ts";
import { chooseRecipe } from "./kernels/matmul-choice.ts";
import type { MatmulTable, RecipeName } from "./kernels/recipe-names.ts";
import { tuneMatmul } from "./kernels/matmul-tuning.ts";
import { matmulKernels } from "./kernels/matmul.ts";
import { repeatedRow, sourceKernels } from "./kernels/random.ts";
import { reduceKernels } from "./kernels/reduce.ts";
import { createResults, errorBytes } from "./results.ts";
import type { DeviceLimits, WebGpuBackend } from "./options.ts";
import type { Device } from "./kernels/device.ts";

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
  readonly features: Features;
  /** Runs after the backend's own buffers are gone. */
  readonly dispose: () => void;
}

const dtypes: readonly DType[] = ["f32", "f16", "bf16", "i32", "u32"];

export function createBackend(settings: BackendSettings): WebGpuBackend {
  const { device, limits } = settings;
  const lifetime = new Lifetime("backend");
  const faults = createFaults(device, lifetime);
  let { matmul } = settings;

  const maxBufferBytes = limits.maxBufferSize - (limits.maxBufferSize % 4);
  const memory = createMemory(device, maxBufferBytes, settings.maxCachedBytes, () => stream.forget());
  const stream = createStream(device, memory, {
    maxDispatches: settings.maxDispatchesPerFlush,
    check: faults.check,
    fail: faults.fail,
  });
  const errors = memory.pool.claim(errorBytes);
  const { markErrors, download } = createResults(device, stream, memory, faults, errors);

  const kernelDevice: Device = {
    stream,
    memory,
    errors,
    markErrors,
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    bindingAlignment: device.limits.minStorageBufferOffsetAlignment,
    maxBindings: limits.maxStorageBuffersPerShaderStage,
    avoidsBarriers: settings.avoidsBarriers,
    features: settings.features,
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

  return {
    name: "webgpu",
    capabilities: {
      storage: dtypes,
      arithmetic: dtypes,
      accelerated: settings.features.f16Arithmetic ? ["f32", "f16"] : ["f32"],
      maxBufferBytes,
      deterministic: true,
      device: settings.description,
    },
    features: settings.features,
    fused: fusedKernels({ device: kernelDevice, primitives: kernels, clear }),
    allocate(byteLength) {
      faults.throwIfAny("allocate");
      return memory.allocate(byteLength);
    },
    release(buffer) {
      if (!lifetime.ended) memory.release(buffer);
    },
    write(buffer, data, byteOffset = 0) {
      faults.throwIfAny("write");
      const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
      transfers.write(memory.findRange("write", buffer, byteOffset, bytes.length), byteOffset, bytes);
    },
    async read(buffer, byteOffset, byteLength) {
      const from = memory.findRange("read", buffer, byteOffset, byteLength);
      const start = Math.floor(byteOffset / 4) * 4;
      const length = Math.ceil((byteOffset + byteLength - start) / 4) * 4;
      const ranges = byteLength === 0 ? [] : [{ buffer: from, byteOffset: start, byteLength: length }];
      const [bytes] = await download("read", ranges);
      if (bytes === undefined) return new ArrayBuffer(0);
      return bytes.slice(byteOffset - start, byteOffset - start + byteLength).buffer as ArrayBuffer;
    },
    run(op, outputs, inputs, attrs) {
      faults.throwIfAny(op);
      kernels[op](outputs, inputs, attrs);
    },
    flush() {
      if (!lifetime.ended && !faults.any) stream.flush();
    },
    async synchronize() {
      await download("synchronize", []);
    },
    memory: () => memory.stats(),
    trim(maxCachedBytes) {
      if (!lifetime.ended) memory.pool.trim(maxCachedBytes);
    },
    capture: (record) =>
      captureReplay(
        lifetime,
        memory.pool,
        () => stream.record(record),
        (calls) => {
          faults.throwIfAny("replay");
          markErrors();
          replayCalls(calls);
        },
      ),
    stats: () => stream.stats(),
    async tune(options) {
      faults.throwIfAny("tune");
      const table = await tuneMatmul(kernelDevice, {
        ...options,
        finish: async () => void (await download("tune", [])),
      });
      matmul = table;
      return table;
    },
    async [Symbol.asyncDispose]() {
      if (lifetime.ended) return;
      if (!faults.any) {
        stream.flush();
        await device.queue.onSubmittedWorkDone();
      }
      lifetime.end();
      faults.dispose();
      memory.destroy();
      stream.destroy();
      settings.dispose();
    },
  };
}
