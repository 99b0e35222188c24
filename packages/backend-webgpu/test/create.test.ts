/** How a backend is made, and how it fails: no adapter, a lost device, a shader that does not compile. */
import { DeviceLostError } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { createPipelines } from "../src/device/pipelines.ts";
import { findGpu } from "../src/gpu.ts";
import { OutOfDeviceMemoryError, WebGpuUnavailableError, createWebGpuBackend } from "../src/index.ts";
import { onDevice } from "./adapter.ts";

test("no adapter is an error that ends in UnavailableError", async () => {
  const gpu = { requestAdapter: async () => null } as unknown as GPU;
  const error = await createWebGpuBackend({ gpu }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WebGpuUnavailableError);
  expect((error as Error).name).toMatch(/UnavailableError$/);
});

test("a missing package and one that does not load say what to do", async () => {
  const missing = Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
  await expect(findGpu(() => Promise.reject(missing))).rejects.toThrow("no WebGPU of its own: npm install webgpu");
  await expect(findGpu(() => Promise.reject(new Error("GLIBC_2.38 not found")))).rejects.toThrow(
    "GLIBC_2.38 not found",
  );
});

function gpuWith(info: Partial<GPUAdapterInfo>): GPU {
  return { requestAdapter: async () => ({ info: { isFallbackAdapter: false, ...info } }) } as unknown as GPU;
}

function createWithoutSoftware(info: Partial<GPUAdapterInfo>) {
  return createWebGpuBackend({ gpu: gpuWith(info), allowSoftware: false });
}

test("a software adapter is refused where it is not allowed, with its name", async () => {
  await expect(createWithoutSoftware({ description: "llvmpipe: Mesa 25" })).rejects.toThrow(
    /software \(WebGPU: llvmpipe: Mesa 25\)/,
  );
  await expect(createWithoutSoftware({ vendor: "google", architecture: "swiftshader" })).rejects.toThrow(
    WebGpuUnavailableError,
  );
  await expect(createWithoutSoftware({ vendor: "acme", isFallbackAdapter: true })).rejects.toThrow(
    "CPU backend is faster",
  );
  // A GPU passes this check: it fails later, for want of a device.
  await expect(createWithoutSoftware({ vendor: "nvidia", architecture: "ampere" })).rejects.not.toThrow("software");
});

test("options are checked", async () => {
  await expect(createWebGpuBackend({ maxDispatchesPerFlush: 0 })).rejects.toThrow("expected maxDispatchesPerFlush");
  await expect(createWebGpuBackend({ matmul: "huge" as never })).rejects.toThrow("large, direct, got huge");
  await expect(createWebGpuBackend({ withoutFeatures: ["f16" as never] })).rejects.toThrow(/shader-f16.* got f16/);
});

/** A device from the same adapter that the backend takes, and the backend over it. */
async function withOwnDevice() {
  const { from } = await findGpu();
  const device = await (await from.requestAdapter())!.requestDevice();
  return { device, backend: await createWebGpuBackend({ device }) };
}

onDevice("webgpu devices", () => {
  describe("webgpu devices", () => {
    test("a lost device is a DeviceLostError, and a new backend works", async () => {
      const { device, backend } = await withOwnDevice();
      const buffer = backend.allocate(16);
      device.destroy();
      await device.lost;
      await expect(backend.read(buffer, 0, 16)).rejects.toThrow(DeviceLostError);
      expect(() => backend.allocate(16)).toThrow(DeviceLostError);
      await backend[Symbol.asyncDispose]();
      const next = await createWebGpuBackend();
      await next.synchronize();
      await next[Symbol.asyncDispose]();
    });

    test("a device whose shaders see too few buffers is refused", async () => {
      const limits = { maxStorageBuffersPerShaderStage: 4 };
      await expect(createWebGpuBackend({ limits })).rejects.toThrow("shaders see 4 storage buffers: kernels need 8");
    });

    test("no memory is an OutOfDeviceMemoryError on every later call", async () => {
      const { device, backend } = await withOwnDevice();
      class GPUOutOfMemoryError extends Error {}
      device.dispatchEvent(Object.assign(new Event("uncapturederror"), { error: new GPUOutOfMemoryError("full") }));
      expect(() => backend.allocate(16)).toThrow(OutOfDeviceMemoryError);
      await expect(backend.synchronize()).rejects.toThrow("smaller batches");
      await backend[Symbol.asyncDispose]();
      device.destroy();
    });

    test("a device of the caller outlives the backend", async () => {
      const { device, backend } = await withOwnDevice();
      await backend[Symbol.asyncDispose]();
      device.createBuffer({ size: 16, usage: 8 }).destroy();
      await device.queue.onSubmittedWorkDone();
      device.destroy();
    });

    test("a shader that does not compile is shown with numbered lines", async () => {
      const { device, backend } = await withOwnDevice();
      const checks: Promise<void>[] = [];
      const errors: Error[] = [];
      const pipelines = createPipelines(
        device,
        (promise) => checks.push(promise),
        (error) => errors.push(error),
      );
      const text = { fields: [{ name: "size", type: "u32" }], slots: [], body: "fn main() { nonsense }" };
      pipelines.get("broken", () => text);
      await Promise.all(checks);
      expect(errors[0]?.message).toMatch(/^\[compile\] .*broken/);
      expect(errors[0]?.message).toMatch(/^ +\d+ fn main\(\) \{ nonsense \}$/m);
      await backend[Symbol.asyncDispose]();
      device.destroy();
    });

    test("pipelines do not depend on shapes, and a flush is one pass and one submit", async () => {
      const backend = await createWebGpuBackend();
      const vector = (size: number) => {
        const buffer = backend.allocate(size * 4);
        return { buffer, dtype: "f32", shape: [size], strides: [1], offset: 0 } as const;
      };
      const fill = (size: number): void => backend.run("fill", [vector(size)], [], { value: 1 });
      // Alone and four at a time: the two forms of an element-wise kernel.
      fill(10);
      fill(12);
      await backend.synchronize();
      const before = backend.stats();
      for (const size of [1, 100, 1000, 5_000_000]) fill(size);
      await backend.synchronize();
      const after = backend.stats();
      expect(after.pipelines).toBe(before.pipelines);
      expect(after.dispatches - before.dispatches).toBe(4);
      expect(after.passes - before.passes).toBe(1);
      expect(after.submits - before.submits).toBe(1);
      await backend[Symbol.asyncDispose]();
    });
  });
});
