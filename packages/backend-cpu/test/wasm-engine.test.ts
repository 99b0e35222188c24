/** What is particular to the WebAssembly engine: threads, its one memory, hosts that lack something. Conformance is tested elsewhere. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  Runtime,
  layerNorm,
  linearCrossEntropy,
  reshape,
  valueAndGradients,
  varlenAttention,
} from "@modernbert-ts/tensor-core";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createWasmBackend, WasmUnavailableError } from "../src/wasm/index.ts";
import { tensor, valuesOf } from "./native.ts";

afterEach(() => vi.unstubAllGlobals());

function waves(size: number, frequency: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => Math.sin(i * frequency));
}

/** Every fused kernel that is split into tasks, forward and backward; returns bits. */
async function trainingStep(threads: number): Promise<number[][]> {
  await using backend = await createWasmBackend({ threads, poison: true });
  const runtime = new Runtime(backend, { fusion: "fused" });
  const [tokens, heads, size, classes] = [300, 3, 20, 777];
  const width = heads * size;
  const qkv = runtime.tensor(waves(tokens * 3 * width, 0.37), [tokens, 3, heads, size]);
  const weight = runtime.tensor(waves(width, 1.1), [width]);
  const decoder = runtime.tensor(waves(classes * width, 0.7), [classes, width]);
  const ends = runtime.tensor(Int32Array.of(0, 130, 130, 300), [4], "i32");
  const labels = runtime.tensor(
    Int32Array.from({ length: tokens }, (_, i) => (i * 31) % classes),
    [tokens],
    "i32",
  );
  const { value, gradients } = valueAndGradients(runtime, [qkv, weight, decoder], () => {
    const attended = varlenAttention(qkv, ends, { scale: 0.2, window: 70, maxSeqlen: 170 });
    const normal = layerNorm(reshape(attended, [tokens, width]), weight, null, 1e-5);
    return linearCrossEntropy(normal, decoder, null, labels).lossSum;
  });
  const results: number[][] = [];
  for (const each of [value, ...gradients]) results.push([...new Uint32Array((await each!.read()).buffer)]);
  return results;
}

describe("threads", () => {
  test("the device line counts them", async () => {
    for (const threads of [1, 2]) {
      await using backend = await createWasmBackend({ threads, relaxed: false });
      expect(backend.capabilities.device).toBe(`CPU, WebAssembly SIMD, ${threads} thread${threads === 1 ? "" : "s"}`);
    }
  });

  test("results are the same bits for any number of them", async () => {
    const one = await trainingStep(1);
    expect(one.map((each) => each.length)).toEqual([1, 300 * 180, 60, 777 * 60]);
    expect(await trainingStep(2)).toEqual(one);
    expect(await trainingStep(3)).toEqual(one);
  });

  test("without SharedArrayBuffer there is one, and more are refused with what to do", async () => {
    vi.stubGlobal("SharedArrayBuffer", undefined);
    await using backend = await createWasmBackend();
    expect(backend.capabilities.device).toMatch(/1 thread$/);
    const c = tensor(backend, [1, 1]);
    const ones = tensor(backend, [1, 1], [3]);
    backend.run("matmul", [c], [ones, ones], { alpha: 1, accumulate: false });
    expect(await valuesOf(backend, c)).toEqual([9]);
    await expect(createWasmBackend({ threads: 2 })).rejects.toThrow(
      /^\[createWasmBackend\] expected 1 thread on a page that is not cross-origin isolated/,
    );
  });

  test("wrong counts are refused, not replaced", async () => {
    for (const threads of [0, -1, 1.5, Number.NaN, 65]) {
      await expect(createWasmBackend({ threads })).rejects.toThrow("expected 1 to 64 threads");
    }
  });
});

describe("memory", () => {
  test("grows without losing what is there", async () => {
    await using backend = await createWasmBackend({ threads: 2 });
    const first = tensor(backend, [1000], waves(1000, 0.1));
    const held = Array.from({ length: 40 }, (_, i) => tensor(backend, [1 << 18], new Float32Array(1 << 18).fill(i)));
    expect(await valuesOf(backend, first)).toEqual([...waves(1000, 0.1)]);
    for (const [i, each] of held.entries()) {
      expect(new Float32Array(await backend.read(each.buffer, (1 << 20) - 4, 4))[0]).toBe(i);
    }
    // The workers see the new memory too.
    const shape = { shape: [512, 512], strides: [512, 1] };
    const [a, b, c] = [held[1]!, held[2]!, held[39]!].map((view) => ({ ...view, ...shape }));
    backend.run("matmul", [c!], [a!, b!], { alpha: 1, accumulate: false });
    expect(new Set(await valuesOf(backend, c!))).toEqual(new Set([1024]));
  });

  test("too much is refused with a typed error, and what is released is used again", async () => {
    await using backend = await createWasmBackend({ threads: 1 });
    const half = backend.allocate(2 ** 31);
    expect(() => backend.allocate(2 ** 31)).toThrow(/^\[allocate\] expected room for 2147483648 bytes, got none/);
    backend.release(half);
    // Neither of these sizes is cached: the pool has to give its one large block back first.
    const parts = [2 ** 30, 2 ** 29, 2 ** 29, 2 ** 30].map((bytes) => backend.allocate(bytes));
    expect(backend.memory().activeBytes).toBe(3 * 2 ** 30);
    for (const part of parts) backend.release(part);
    backend.trim();
    backend.release(backend.allocate(2 ** 31));
  });

  test("addresses beyond 2 GiB work in kernels", async () => {
    await using backend = await createWasmBackend({ threads: 1 });
    backend.allocate(2 ** 31);
    const a = tensor(backend, [3, 5], waves(15, 0.3));
    const b = tensor(backend, [5, 3], waves(15, 0.3));
    const c = tensor(backend, [3, 3]);
    backend.run("matmul", [c], [a, b], { alpha: 1, accumulate: false });
    const want = Math.fround(
      waves(15, 0.3)
        .subarray(0, 5)
        .reduce((sum, value, k) => sum + value * waves(15, 0.3)[3 * k]!, 0),
    );
    expect((await valuesOf(backend, c))[0]).toBeCloseTo(want, 6);
  });
});

test("NaN and infinity go through every kernel without a hang or an error", async () => {
  await using backend = await createWasmBackend({ threads: 2 });
  const runtime = new Runtime(backend, { fusion: "fused" });
  for (const bad of [Number.NaN, Infinity, -Infinity]) {
    const qkv = runtime.tensor(new Float32Array(100 * 3 * 8).fill(bad), [100, 3, 1, 8]);
    const ends = runtime.tensor(Int32Array.of(0, 100), [2], "i32");
    const weight = runtime.tensor(new Float32Array(8).fill(1), [8]);
    const labels = runtime.tensor(new Int32Array(100).fill(3), [100], "i32");
    const { value, gradients } = valueAndGradients(runtime, [qkv], () => {
      const attended = varlenAttention(qkv, ends, { scale: 1, window: 3, maxSeqlen: 100 });
      const normal = layerNorm(reshape(attended, [100, 8]), weight, null, 1e-5);
      return linearCrossEntropy(normal, normal, null, labels).lossSum;
    });
    expect((await value.read())[0]).toBeNaN();
    expect([...(await gradients[0]!.read())].every(Number.isNaN)).toBe(true);
  }
});

describe("hosts that lack something", () => {
  test("no WebAssembly, or one without SIMD, is said", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    await expect(createWasmBackend()).rejects.toThrow(WasmUnavailableError);
    vi.stubGlobal("WebAssembly", { ...WebAssembly, validate: () => false });
    await expect(createWasmBackend()).rejects.toThrow("expected WebAssembly with SIMD");
  });

  test("relaxed SIMD that is asked for and missing is refused", async () => {
    const { validate } = WebAssembly;
    let calls = 0;
    const plainOnly = (bytes: BufferSource): boolean => calls++ === 0 && validate(bytes);
    vi.spyOn(WebAssembly, "validate").mockImplementation(plainOnly);
    await expect(createWasmBackend({ relaxed: true })).rejects.toThrow("expected WebAssembly with relaxed SIMD");
    vi.restoreAllMocks();
  });
});

describe("processes", () => {
  const built = fileURLToPath(new URL("../dist/wasm/index.js", import.meta.url));

  function runChild(code: string): { status: number | null; stdout: string; stderr: string } {
    const prelude = `
      const { createWasmBackend } = await import(${JSON.stringify(pathToFileURL(built).href)});
      const { readdirSync } = await import("node:fs");
      const threads = () => (process.platform === "linux" ? readdirSync("/proc/self/task").length : 0);
      let before = threads();
    `;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", prelude + code], {
      encoding: "utf8",
      timeout: 30_000,
    });
    return { status, stdout, stderr };
  }

  test("idle workers do not keep a process alive", ({ skip }) => {
    if (!existsSync(built)) skip("the package is not built");
    expect(runChild(`await createWasmBackend({ threads: 3 }); console.log("made");`)).toEqual({
      status: 0,
      stdout: "made\n",
      stderr: "",
    });
  });

  test("dispose ends the workers", ({ skip }) => {
    if (!existsSync(built)) skip("the package is not built");
    const { status, stdout } = runChild(`
      const first = await createWasmBackend({ threads: 2 });
      await first[Symbol.asyncDispose]();
      before = threads(); // The first one also starts threads of V8's own.
      const backend = await createWasmBackend({ threads: 4 });
      const during = threads();
      await backend[Symbol.asyncDispose]();
      console.log(during - before, threads() - before);
    `);
    expect({ status, stdout }).toEqual({ status: 0, stdout: process.platform === "linux" ? "3 0\n" : "0 0\n" });
  });
});

test("nothing of Node is reached from the browser's entry", async () => {
  const { readFile } = await import("node:fs/promises");
  const seen = new Set<string>();
  const bare = new Set<string>();
  async function visit(url: URL): Promise<void> {
    if (seen.has(url.href)) return;
    seen.add(url.href);
    const code = (await readFile(url, "utf8")).replace(/import type [^;]*;|export type [^;]*;/g, "");
    for (const [, from] of code.matchAll(/(?:\bfrom|\bimport\(|\bimport|\brequire\()\s*"([^"]+)"/g)) {
      if (from!.startsWith(".")) await visit(new URL(from!, url));
      else bare.add(from!);
    }
  }
  await visit(new URL("../src/browser.ts", import.meta.url));
  await visit(new URL("../src/wasm/index.ts", import.meta.url));
  expect(seen.size).toBeGreaterThan(readdirSync(new URL("../src/wasm/", import.meta.url)).length);
  expect([...bare]).toEqual(["@modernbert-ts/tensor-core"]);
});
