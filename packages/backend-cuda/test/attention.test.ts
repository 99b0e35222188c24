/** Attention, emulated, beside the TypeScript engine in f64: ragged batches, edges of windows and tiles, all options, both directions. */
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { Runtime } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";
import { farthest, solveAttention } from "./support/attention.ts";
import type { Batch } from "./support/attention.ts";

let cuda: Backend;
let oracle: Backend;
beforeAll(async () => {
  if (missing) return;
  vi.stubEnv("MODERNBERT_CUDA_FIBER_ORDER", "shuffled");
  [cuda, oracle] = [await createCudaBackend({ emulate: true }), await createCpuBackend({ engine: "typescript" })];
});
afterAll(() => {
  vi.unstubAllEnvs();
});
beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

const ragged = [0, 1, 63, 64, 65, 0, 127, 128, 129];
const queries = [5, 0, 16, 1, 17, 33, 64, 15];

const batches: Record<string, Batch> = {
  "tiles of 16 queries": { lengths: queries, window: null, heads: 2 },
  "tiles of 16 queries in a window": { lengths: queries, window: 9, turned: true },
  "tiles of 64 queries": { lengths: [128, 70, 0, 3], window: null, turned: true },
  "a window as wide as a tile": { lengths: ragged, window: 64 },
  "a window one short of a tile": { lengths: [128, 1, 65], window: 63, turned: true },
  "a window one beyond a tile": { lengths: [66, 129, 2], window: 65 },
  "a window of nothing but the token": { lengths: [129, 1, 66], window: 0 },
  "tiles of 128 queries": { lengths: ragged, window: null },
  "tiles of 128 queries, turned": { lengths: [300, 1, 129], window: null, turned: true },
  "so many keys that q and k are turned beforehand": {
    lengths: [130, 1, 0, 65],
    window: null,
    maxSeqlen: 260,
    turned: true,
    heads: 2,
    keyCounts: [129, 1, 0, 65],
  },
  "heads of 32": { lengths: [130, 31, 65], window: 64, width: 32, heads: 3, turned: true },
  "heads of 32, tiles of 128 queries": { lengths: [130, 31, 65], window: null, width: 32 },
  "heads of 32, tiles of 16 queries": { lengths: queries, window: null, width: 32, turned: true },
  "fewer keys than queries": { lengths: [70, 30, 130, 9], window: null, keyCounts: [65, 0, 64, 9], turned: true },
  "fewer keys in a window": { lengths: [70, 30, 130, 9], window: 20, keyCounts: [65, 0, 64, -3] },
  "dropped probabilities": { lengths: [70, 1, 33], window: null, dropRate: 0.3, heads: 2, maxSeqlen: 77 },
  "dropped in a window, turned, with fewer keys": {
    lengths: [70, 12],
    window: 11,
    dropRate: 0.5,
    turned: true,
    keyCounts: [60, 10],
  },
};

describe.each(Object.entries(batches))("%s", (_name, batch) => {
  test("in bf16 and in f32", async () => {
    const want = await solveAttention(oracle, "reference", "f64", batch);
    const short = await solveAttention(cuda, "fused", "bf16", batch);
    expect(farthest(short.out, want.out)).toBeLessThan(2 ** -7);
    expect(farthest(short.gradient, want.gradient)).toBeLessThan(2 ** -6);
    const plain = await solveAttention(cuda, "fused", "f32", batch);
    expect(farthest(plain.out, want.out)).toBeLessThan(4e-6);
    expect(farthest(plain.gradient, want.gradient)).toBeLessThan(1e-5);
  }, 60_000);
});

/** The engine's kernel, which is not limited in length; its numbers are f64 inside. */
test("a long text in a window, in bf16", async () => {
  const batch: Batch = { lengths: [3, 2048, 61], window: 64 };
  const want = await solveAttention(oracle, "fused", "f32", batch);
  const got = await solveAttention(cuda, "fused", "bf16", batch);
  expect(farthest(got.out, want.out)).toBeLessThan(2 ** -7);
  expect(farthest(got.gradient, want.gradient)).toBeLessThan(2 ** -6);
}, 60_000);

/** All rows but those of the spoilt text. */
function beside(values: Float64Array, row: number): number[] {
  return [...values.subarray(0, 70 * row), ...values.subarray(134 * row)];
}

describe.each([Infinity, NaN])("a text full of %s", (bad) => {
  const lengths = [70, 64, 129, 3];
  const spoil = (token: number): number | undefined => (token >= 70 && token < 134 ? bad : undefined);

  test.each(["bf16", "f32"] as const)("leaves its neighbours alone, in %s", async (dtype) => {
    for (const window of [null, 64]) {
      for (const batch of [
        { lengths, window },
        { lengths, window, turned: true as const, dropRate: 0.1 },
      ]) {
        const clean = await solveAttention(cuda, "fused", dtype, batch);
        const spoilt = await solveAttention(cuda, "fused", dtype, { ...batch, spoil });
        expect(beside(spoilt.out, 64)).toEqual(beside(clean.out, 64));
        expect(beside(spoilt.gradient, 192)).toEqual(beside(clean.gradient, 192));
        expect(spoilt.out[70 * 64]).toBeNaN();
      }
    }
  });
});

test("reports a text that is longer than the table of angles", async () => {
  const runtime = new Runtime(cuda, { fusion: "fused" });
  const { varlenAttention } = await import("@modernbert-ts/tensor-core");
  const zeros = (shape: readonly number[]) =>
    runtime.tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape, "f32");
  const ids = (values: readonly number[]) => runtime.tensor(values, [values.length], "i32");
  const rope = { cos: zeros([4, 32]), sin: zeros([4, 32]), positions: ids([0, 1, 2, 3, 4, 0]) };
  const out = varlenAttention(zeros([6, 3, 1, 64]), ids([0, 5, 6]), { scale: 1, window: null, maxSeqlen: 5, rope });
  await expect(out.read()).rejects.toThrow("[varlenAttention] expected ids from 0 to 3, got 4");
});

function supports(dtype: "bf16" | "f32", width: number, scale: number): true | { readonly reason: string } {
  return cuda.fused.varlenAttention!.supports({
    attrs: { scale, window: null, maxSeqlen: 4, dropout: null },
    inputs: [{ shape: [4, 3, 1, width], dtype }, { shape: [2], dtype: "i32" }, null, null, null, null, null],
    outputs: [{ shape: [4, 1, width], dtype }],
    training: false,
  });
}

test("refuses other widths and scales by name", () => {
  expect(supports("bf16", 48, 1)).toEqual({ reason: "the CUDA kernel takes head sizes 32 and 64 in bf16, got 48" });
  expect(supports("f32", 129, 1)).toEqual({ reason: "the CUDA kernel takes head sizes up to 128 in f32, got 129" });
  expect(supports("bf16", 64, -1)).toEqual({ reason: "the CUDA kernel takes a positive scale, got -1" });
  expect(supports("bf16", 64, 1)).toBe(true);
});
