import { afterEach, describe, expect, it, vi } from "vitest";
import { BackendUnavailableError, createBackend } from "../src/index.ts";
import type { BackendChoice, BackendName } from "../src/index.ts";

describe("createBackend", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("makes the CPU backend with the engine that is asked for", async () => {
    const { backend, name, reason } = await createBackend("cpu", { cpuEngine: "typescript" });
    expect(name).toBe("cpu");
    expect(reason).toContain("TypeScript");
    await backend[Symbol.asyncDispose]();
  });

  it("auto ends at a backend that works and says why it took none before it", async () => {
    const { backend, name, reason } = await createBackend("auto", { cpuEngine: "typescript" });
    if (name === "cpu")
      expect(reason).toMatch(/\(no cuda device: .*; no cuda device through TensorFlow.js: .*; no webgpu.*\)$/);
    const buffer = backend.allocate(16);
    backend.write(buffer, Float32Array.of(1, 2, 3, 4));
    expect([...new Float32Array(await backend.read(buffer, 0, 16))]).toEqual([1, 2, 3, 4]);
    await backend[Symbol.asyncDispose]();
  });

  it("auto leaves a software GPU to who names it, and says so", async ({ skip }) => {
    const asked = await createBackend("webgpu").catch((error: unknown) => error);
    if (asked instanceof BackendUnavailableError) skip(asked.message);
    if (asked instanceof Error) throw asked;
    const { backend, name, reason } = asked as BackendChoice;
    expect([name, backend.name]).toEqual(["webgpu", "webgpu"]);
    await backend[Symbol.asyncDispose]();
    if (!/llvmpipe|swiftshader/i.test(reason)) skip(`a GPU, not a program on the CPU: ${reason}`);
    const auto = await createBackend("auto", { cpuEngine: "typescript" });
    expect(auto.name).toBe("cpu");
    expect(auto.reason).toMatch(
      /no webgpu device: (no GPU is to be seen in \/dev|there is no Vulkan driver for a GPU)\)$/,
    );
    await auto.backend[Symbol.asyncDispose]();
  });

  it("names what to install or choose", async () => {
    vi.stubEnv("MODERNBERT_CUDA_EMULATE", "");
    vi.stubEnv("MODERNBERT_CUDA_LIBRARY", "/nowhere/modernbert_cuda.node");
    await expect(createBackend("cuda")).rejects.toThrow(
      /^\[backend\] no cuda device: the library \/nowhere\/.* does not load/,
    );
    await expect(createBackend("cuda")).rejects.toThrow(
      /; no cuda device through TensorFlow.js: @tensorflow\/tfjs-node-gpu .*: install @modernbert-ts\/backend-cuda-linux-x64, or build it with nvcc.*; or npm install @tensorflow\/tfjs-node-gpu@4.22.0/,
    );
    await expect(createBackend("tpu" as BackendName)).rejects.toThrow("choose one of auto, cuda, webgpu, cpu");
    await expect(createBackend("cuda")).rejects.toBeInstanceOf(BackendUnavailableError);
  });

  it("takes the emulated CUDA device where it is asked for", async ({ skip }) => {
    vi.stubEnv("MODERNBERT_CUDA_EMULATE", "1");
    const asked = await createBackend("cuda").catch((error: unknown) => error);
    if (asked instanceof BackendUnavailableError) skip(asked.message);
    if (asked instanceof Error) throw asked;
    const { backend, name, reason } = asked as BackendChoice;
    expect([name, reason]).toEqual(["cuda", expect.stringContaining("CUDA device 0, emulated on the CPU, sm_90")]);
    await backend[Symbol.asyncDispose]();
  });
});
