/** Products by cuBLASLt, emulated, beside the plain kernel. */
import type { Backend, DType, View } from "@modernbert-ts/tensor-core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

beforeEach(({ skip }) => {
  if (missing) skip(missing);
});
afterEach(() => void vi.unstubAllEnvs());

const half = (dtype: DType): boolean => dtype === "bf16" || dtype === "f16";

/** A dense view of f32 numbers that are exact in 16 bits too, cast to `dtype`. */
function tensor(backend: Backend, dtype: DType, shape: readonly number[], valueOf: (at: number) => number): View {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, extent) => product * extent, 1));
  const wide: View = { buffer: backend.allocate(4 * size), dtype: "f32", shape, strides, offset: 0 };
  backend.write(
    wide.buffer,
    Float32Array.from({ length: size }, (_, at) => valueOf(at)),
  );
  if (!half(dtype)) return wide;
  const narrow: View = { ...wide, buffer: backend.allocate(2 * size), dtype };
  backend.run("copy", [narrow], [wide], {});
  return narrow;
}

async function values(backend: Backend, view: View): Promise<number[]> {
  const wide: View = { ...view, buffer: backend.allocate(4 * 2 ** 16), dtype: "f32" };
  backend.run("copy", [wide], [view], {});
  const size = view.shape.reduce((product, extent) => product * extent, 1);
  return Array.from(new Float32Array(await backend.read(wide.buffer, 0, 4 * size)));
}

/** Whole numbers of few bits: every order of addition gives the same. */
const small =
  (seed: number) =>
  (at: number): number =>
    ((at * 31 + seed * 17) % 7) - 3;

const turned = (view: View): View => ({
  ...view,
  shape: [...view.shape.slice(0, -2), view.shape.at(-1)!, view.shape.at(-2)!],
  strides: [...view.strides.slice(0, -2), view.strides.at(-1)!, view.strides.at(-2)!],
});

/** `rows` x `columns`; stored the other way round if `turn`. */
function factor(backend: Backend, dtype: DType, shape: readonly number[], turn: boolean, seed: number): View {
  const stored = turn ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;
  const view = tensor(backend, dtype, stored, small(seed));
  return turn ? turned(view) : view;
}

const cases = (["f32", "bf16", "f16"] as const).flatMap((dtype) =>
  [false, true].flatMap((turnA) => [false, true].map((turnB) => ({ dtype, turnA, turnB }))),
);

test.for(cases)("$dtype, a turned: $turnA, b turned: $turnB", async ({ dtype, turnA, turnB }) => {
  await using fast = await createCudaBackend({ emulate: true });
  await using plain = await createCudaBackend({ emulate: true, cublasLt: false });
  for (const out of half(dtype) ? [dtype, "f32" as const] : [dtype]) {
    for (const [batch, m, n, k] of [
      [[], 24, 16, 40],
      [[3], 8, 32, 16],
      [[], 1, 8, 64],
      [[], 16, 8, 2048],
    ] as const) {
      for (const [turnOut, accumulate, alpha] of [
        [false, false, 1],
        [false, true, 0.5],
        [true, true, -2],
      ] as const) {
        const results = [fast, plain].map((backend) => {
          const a = factor(backend, dtype, [...batch, m, k], turnA, 1);
          const b = factor(backend, dtype, [...batch, k, n], turnB, 2);
          const result = factor(backend, out, [...batch, m, n], turnOut, 3);
          backend.run("matmul", [result], [a, b], { alpha, accumulate });
          return values(backend, turnOut ? turned(result) : result);
        });
        expect(await results[0]).toEqual(await results[1]);
      }
    }
  }
});

/** 2²⁴, then ones: added one by one they are lost; cuBLASLt, emulated, adds a quarter of the depth at a time. */
async function lost(backend: Backend, options: { readonly dtype?: DType; readonly depth?: number } = {}) {
  const { dtype = "bf16", depth = 4096 } = options;
  const a = tensor(backend, dtype, [8, depth], (at) => (at % depth === 0 ? 4096 : 1));
  const b = tensor(backend, dtype, [depth, 8], (at) => (at < 8 ? 4096 : 1));
  const out = tensor(backend, "f32", [8, 8], () => 0);
  backend.run("matmul", [out], [a, b], { alpha: 1, accumulate: false });
  const [first] = await values(backend, out);
  return 2 ** 24 + depth - 1 - first!;
}

describe("which of both makes a product", () => {
  test("cuBLASLt, unless it is done without", async () => {
    await using fast = await createCudaBackend({ emulate: true });
    await using plain = await createCudaBackend({ emulate: true, cublasLt: false });
    expect(plain.capabilities.device).toMatch(/no cuBLASLt$/);
    expect(await lost(fast)).toBe(1023);
    expect(await lost(plain)).toBe(4095);
  });

  test("rows whose length is no multiple of 16 bytes go to the plain kernel", async () => {
    await using backend = await createCudaBackend({ emulate: true });
    expect(await lost(backend, { depth: 4092 })).toBe(4091);
    expect(await lost(backend, { depth: 4092, dtype: "f32" })).toBeLessThan(1100);
  });

  test("the quickest of its ways is taken when that is asked for, and accumulates once", async () => {
    vi.stubEnv("MODERNBERT_CUDA_TUNE", "1");
    await using backend = await createCudaBackend({ emulate: true });
    const a = tensor(backend, "bf16", [8, 64], small(1));
    const out = tensor(backend, "f32", [8, 8], () => 5);
    const ones = tensor(backend, "bf16", [64, 8], () => 1);
    backend.run("matmul", [out], [a, ones], { alpha: 1, accumulate: true });
    const sums = Array.from({ length: 8 }, (_, row) =>
      Array.from({ length: 64 }, (__, at) => small(1)(64 * row + at)).reduce((sum, value) => sum + value, 5),
    );
    expect(await values(backend, out)).toEqual(sums.flatMap((sum) => Array.from({ length: 8 }, () => sum)));
    expect([1023, 4095]).toContain(await lost(backend));
  });
});

test("linear adds the bias, in 16 bits and where cuBLASLt does not take it", async () => {
  await using backend = await createCudaBackend({ emulate: true });
  for (const [dtype, rows, depth, channels] of [
    ["bf16", 16, 32, 24],
    ["f32", 5, 12, 8],
    ["f16", 7, 9, 3],
  ] as const) {
    const [x, weight] = [
      tensor(backend, dtype, [rows, depth], small(1)),
      tensor(backend, dtype, [channels, depth], small(2)),
    ];
    const bias = tensor(backend, dtype, [channels], small(3));
    const y = tensor(backend, dtype, [rows, channels], () => 0);
    backend.fused.linear!.forward({ attrs: {}, inputs: [x, weight, bias], outputs: [y], saved: [] });
    const [xs, ws, bs] = [await values(backend, x), await values(backend, weight), await values(backend, bias)];
    const want = Array.from({ length: rows * channels }, (_, at) => {
      const [row, channel] = [Math.floor(at / channels), at % channels];
      return ws
        .slice(channel * depth, (channel + 1) * depth)
        .reduce((sum, w, k) => sum + w * xs[row * depth + k]!, bs[channel]!);
    });
    expect(await values(backend, y)).toEqual(want);
  }
});
