/** What is particular to the WebAssembly engine: threads, its one memory, its elementary functions. Conformance is tested elsewhere. */
import {
  Runtime,
  erf,
  glu,
  layerNorm,
  linearCrossEntropy,
  reshape,
  valueAndGradients,
  varlenAttention,
} from "@modernbert-ts/tensor-core";
import type { Activation } from "@modernbert-ts/tensor-core";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createWasmBackend } from "../src/engines/wasm/index.ts";
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

test("products of few and of many rows, of columns in any order, on one thread and on two", async () => {
  for (const threads of [1, 2]) {
    await using backend = await createWasmBackend({ threads, poison: true });
    for (const rows of [1, 2, 5, 16, 17, 131]) {
      for (const columns of [1, 7, 300]) {
        for (const depth of [0, 1, 4, 64, 65, 300]) {
          const [left, right, before] = [
            waves(rows * depth, 0.9),
            waves(columns * depth, 1.3),
            waves(rows * columns, 0.2),
          ];
          const a = tensor(backend, [rows, depth], left);
          const transposed = { ...tensor(backend, [depth, columns], right), strides: [1, depth] };
          const c = tensor(backend, [rows, columns], before);
          backend.run("matmul", [c], [a, transposed], { alpha: 0.5, accumulate: true });
          const got = await valuesOf(backend, c);
          const worst = got.reduce((most, value, at) => {
            const [row, column] = [Math.floor(at / columns), at % columns];
            let sum = 0;
            for (let k = 0; k < depth; k++) sum += left[row * depth + k]! * right[column * depth + k]!;
            return Math.max(most, Math.abs(value - (before[at]! + 0.5 * sum)));
          }, 0);
          expect(worst, `${rows} x ${columns} x ${depth}`).toBeLessThan(1e-5);
          for (const { buffer } of [a, transposed, c]) backend.release(buffer);
        }
      }
    }
  }
});

test("activations are within a few units of the last place", async () => {
  await using backend = await createWasmBackend({ threads: 1 });
  const runtime = new Runtime(backend, { fusion: "fused" });
  const size = 20_001;
  const inputs = Float32Array.from({ length: size }, (_, i) => (i - 10_000) / 1000);
  const ones = new Float32Array(size).fill(1);
  const input = runtime.tensor(Float32Array.of(...inputs, ...ones), [1, 2 * size]);
  const roundoff = 2 ** -24;
  const references = {
    silu: (a: number) => a / (1 + Math.exp(-a)),
    gelu: (a: number) => (a * (1 + erf(a * Math.SQRT1_2))) / 2,
    gelu_tanh: (a: number) => (a * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (a + 0.044715 * a ** 3)))) / 2,
    relu: (a: number) => Math.max(a, 0),
  };
  for (const [activation, reference] of Object.entries(references)) {
    const got = await glu(input, activation as Activation).read();
    // silu has no cancellation and is held to its own size, the others to that of their argument.
    const error = inputs.map((a, i) => {
      const scale = activation === "silu" ? Math.abs(reference(a)) : Math.abs(a);
      return Math.abs(got[i]! - reference(a)) / Math.max(scale, 1e-30);
    });
    expect(Math.max(...error) / roundoff, activation).toBeLessThan(activation === "silu" ? 6 : 4);
  }
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
