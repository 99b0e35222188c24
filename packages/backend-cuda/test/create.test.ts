/** What createCudaBackend says where there is nothing to run on, and what errors the engine gives. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StreamHandle } from "@modernbert-ts/device-kit";
import { DeviceValueError, OutOfMemoryError } from "@modernbert-ts/tensor-core";
import type { Backend, View } from "@modernbert-ts/tensor-core";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { findCublasLt } from "../src/find-cublaslt.ts";
import { createCudaBackend } from "../src/index.ts";
import type { CudaLibrary } from "../src/library.ts";
import { openProducts } from "../src/products.ts";
import { missing } from "./library.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

test("a library that does not load is named, with what to do", async () => {
  vi.stubEnv("MODERNBERT_CUDA_LIBRARY", "/nowhere/modernbert_cuda.node");
  const error: unknown = await createCudaBackend({ emulate: false }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    name: "CudaUnavailableError",
    reason: expect.stringContaining("the library /nowhere/modernbert_cuda.node does not load") as string,
    advice: expect.stringContaining("nvcc") as string,
  });
});

test("a cuBLASLt that does not start is named, and one that is not there, with where it was looked for", () => {
  const library = { cublasLt: undefined, openProducts: () => "it is empty" } as unknown as CudaLibrary;
  const folder = mkdtempSync(join(tmpdir(), "modernbert-cublaslt-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  vi.stubEnv("MODERNBERT_CUDA_LIBRARY_PATH", folder);
  const open = (): string => openProducts(library, 1 as StreamHandle);
  if (findCublasLt().path === undefined)
    expect(open).toThrow(
      new RegExp(`there is no cuBLASLt .* in MODERNBERT_CUDA_LIBRARY_PATH; .* looked for in ${folder}, /`),
    );
  writeFileSync(join(folder, "libcublasLt.so.12"), "");
  expect(open).toThrow(`cuBLASLt does not start (${folder}/libcublasLt.so.12: it is empty): install`);
});

test.each([
  ["MODERNBERT_CUDA_SYNC", "true", 'expected MODERNBERT_CUDA_SYNC to be 0 or 1, got "true"'],
  ["MODERNBERT_CUDA_EMULATE", "yes", 'expected MODERNBERT_CUDA_EMULATE to be 0 or 1, got "yes"'],
  ["MODERNBERT_CUDA_TUNE", "2", 'expected MODERNBERT_CUDA_TUNE to be 0 or 1, got "2"'],
  ["MODERNBERT_CUDA_FIBER_ORDER", "reverse", "to be forward or backward or shuffled, got"],
  ["MODERNBERT_CUDA_GUARDS", "1", "expected variables among MODERNBERT_CUDA_LIBRARY, "],
])("%s=%s is refused", async (name, value, message) => {
  vi.stubEnv(name, value);
  await expect(createCudaBackend()).rejects.toThrow(message);
});

test("an engine that there is not is refused", async () => {
  const options = { engine: "tensorrt" as "tfjs" };
  await expect(createCudaBackend(options)).rejects.toThrow("expected engine native or tfjs, got tensorrt");
});

/** Ids as a view of a fresh buffer. */
function ids(backend: Backend, values: readonly number[]): View {
  const buffer = backend.allocate(values.length * 4);
  backend.write(buffer, Int32Array.from(values));
  return { buffer, dtype: "i32", shape: [values.length], strides: [1], offset: 0 };
}

function table(backend: Backend, rows: number): View {
  return { buffer: backend.allocate(rows * 4), dtype: "f32", shape: [rows, 1], strides: [1, 1], offset: 0 };
}

describe("the emulated device", () => {
  beforeEach(({ skip }) => {
    if (missing) skip(missing);
  });

  test("is taken by option and by environment", async () => {
    vi.stubEnv("MODERNBERT_CUDA_EMULATE", "1");
    await using backend = await createCudaBackend();
    expect(backend.capabilities.device).toBe(
      "CUDA device 0, emulated on the CPU, sm_90, 2 SMs, 8.0 GiB, driver of CUDA 13.0, runtime 13.0, cuBLASLt 13.0.0",
    );
  });

  test("has no second one", async () => {
    await expect(createCudaBackend({ emulate: true, device: 1 })).rejects.toThrow(
      "[createCudaBackend] expected a device that there is, got 1",
    );
  });

  test("a bad id is a DeviceValueError, once, of the operation that met it", async () => {
    await using backend = await createCudaBackend({ emulate: true });
    const out = table(backend, 2);
    backend.run("gather", [out], [table(backend, 5), ids(backend, [1, 7])], {});
    const error: unknown = await backend.synchronize().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeviceValueError);
    expect(error).toHaveProperty("message", "[gather] expected ids from 0 to 4, got 7");
    await backend.synchronize();
  });

  test("no room is an OutOfMemoryError, and the backend stays usable", async () => {
    await using backend = await createCudaBackend({ emulate: true });
    expect(() => backend.allocate(2 ** 40)).toThrow(OutOfMemoryError);
    const buffer = backend.allocate(4);
    backend.write(buffer, Float32Array.of(3));
    expect(new Float32Array(await backend.read(buffer, 0, 4))).toEqual(Float32Array.of(3));
  });

  test("two backends compute side by side", async () => {
    await using one = await createCudaBackend({ emulate: true });
    await using other = await createCudaBackend({ emulate: true });
    const outputs = [one, other].map((backend, index) => {
      const numbers = { ...table(backend, 5000), shape: [5000], strides: [1] };
      const sum = { ...table(backend, 1), shape: [1], strides: [1] };
      backend.run("fill", [numbers], [], { value: index + 1 });
      backend.run("reduce", [sum], [numbers], { kind: "sum", axes: [0] });
      return backend.read(sum.buffer, 0, 4);
    });
    const sums = (await Promise.all(outputs)).map((bytes) => new Float32Array(bytes)[0]);
    expect(sums).toEqual([5000, 10_000]);
  });
});
