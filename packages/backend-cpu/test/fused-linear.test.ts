/** Linear layers over narrow weights: whole-number sums are the same everywhere, and what kernels read never goes beyond the weights. */
import { quantizeInt4, quantizeInt8 } from "@modernbert-ts/tensor-core";
import type { Backend, View } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { expectClose, expectSameBits, numbers, supportedSets, withBackend } from "./fused.ts";
import { describeNative, ids, tensor, valuesOf } from "./native.ts";

const [rows, depth, channels] = [45, 203, 77];
const weights = numbers(2, channels * depth);

/** @param x Any number of rows. */
async function int8Product(backend: Backend, x: Float32Array): Promise<number[]> {
  return product(backend, "int8Linear", x, quantizeInt8(weights, channels, depth));
}

async function int4Product(backend: Backend, x: Float32Array): Promise<number[]> {
  return product(backend, "int4Linear", x, quantizeInt4(weights, channels, depth));
}

async function product(
  backend: Backend,
  composite: "int8Linear" | "int4Linear",
  x: Float32Array,
  { words, scales }: { readonly words: Int32Array; readonly scales: Float32Array },
): Promise<number[]> {
  const y = tensor(backend, [x.length / depth, channels]);
  const inputs = [
    tensor(backend, [x.length / depth, depth], x),
    ids(backend, [channels, words.length / channels], words),
    tensor(backend, scales.length === channels ? [channels] : [channels, scales.length / channels], scales),
    null,
  ];
  backend.fused[composite]!.forward({ attrs: {}, inputs, outputs: [y], saved: [] });
  return valuesOf(backend, y);
}

/** @param n Channels. @param k Depth. */
function exactProduct(x: Float32Array, w: Float32Array, n = channels, k = depth, count = x.length / k): number[] {
  return Array.from({ length: count * n }, (_, at) => {
    const [row, channel] = [Math.floor(at / n) * k, (at % n) * k];
    let sum = 0;
    for (let i = 0; i < k; i++) sum += x[row + i]! * w[channel + i]!;
    return sum;
  });
}

const bf16Value = (bits: number): number => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;

/** Of normal numbers. */
const f16Value = (bits: number): number =>
  (bits & 0x8000 ? -1 : 1) * (1 + (bits & 0x3ff) / 1024) * 2 ** (((bits >> 10) & 31) - 15);

/** Numbers of both signs, from the one of these bits on up to twice as much. */
function sixteenBits(
  backend: Backend,
  dtype: "bf16" | "f16",
  shape: readonly number[],
  first: number,
): { readonly view: View; readonly values: Float32Array } {
  const spread = dtype === "bf16" ? 0x80 : 0x400;
  const size = shape.reduce((a, b) => a * b, 1);
  const bits = Uint16Array.from({ length: size }, (_, at) => first + ((at * 40503) % spread) + (at % 3 ? 0 : 0x8000));
  const buffer = backend.allocate(bits.byteLength);
  backend.write(buffer, bits);
  const view: View = { buffer, dtype, shape, strides: shape.length === 1 ? [1] : [shape[1]!, 1], offset: 0 };
  return { view, values: Float32Array.from(bits, dtype === "bf16" ? bf16Value : f16Value) };
}

describe("quantizeInt4", () => {
  test("bytes of columns j and j + 64 of a group, in units of max / 7.5 from -8 to 7, zeros beyond", () => {
    const values = new Float32Array(2 * 130);
    values.set([15, -15, 5, 3, -3], 0); // one is worth 2
    values.set([7, -2], 64);
    values.set([3.75, -3.75], 128); // 0.5
    const { words, scales } = quantizeInt4(values, 2, 130);
    const bytes = new Uint8Array(words.buffer);
    expect(Array.from(scales, (scale) => scale.toFixed(4))).toEqual(["2.0000", "0.5000", "0.0000", "0.0000"]);
    // 7 (cut), -8 (of -7.5), 2 (of 2.5), 2 (of 1.5), -2; above them 4 (of 3.5) and -1.
    expect(Array.from(bytes.subarray(0, 6))).toEqual([0xcf, 0x70, 0x8a, 0x8a, 0x86, 0x88]);
    expect(Array.from(bytes.subarray(64, 67))).toEqual([0x8f, 0x80, 0x88]);
    expect(new Set(bytes.subarray(67))).toEqual(new Set([0x88]));
  });

  test.each([Number.NaN, Infinity])("%s is refused with its row", (value) => {
    const values = new Float32Array(12).fill(1);
    values[7] = value;
    expect(() => quantizeInt4(values, 3, 4)).toThrow(
      "[quantizeInt4] expected finite weights, got a NaN or an infinity in row 1",
    );
  });
});

describe("quantizeInt8", () => {
  test("four bytes a word, the first lowest, in units of max / 127 with ties to even", () => {
    const { words, scales } = quantizeInt8(Float32Array.of(127, -127, 2.5, 1.5, -1, 0, 0, 0, 0, 0), 2, 5);
    expect(Array.from(words)).toEqual([0x0202817f, 0xff, 0, 0]);
    expect(Array.from(scales)).toEqual([1, 0]);
  });

  test.each([Number.NaN, Infinity, -Infinity])("%s is refused with its row", (value) => {
    const values = new Float32Array(12);
    values[7] = value;
    values[8] = 1;
    expect(() => quantizeInt8(values, 3, 4)).toThrow(
      "[quantizeInt8] expected finite weights, got a NaN or an infinity in row 1",
    );
  });
});

describeNative("native linear over narrow weights", () => {
  test("int8 gives the same bits on every instruction set and for any number of threads", async () => {
    const x = numbers(1, rows * depth);
    const wanted = await withBackend(supportedSets.at(-1)!, 1, (backend) => int8Product(backend, x));
    for (const set of supportedSets) {
      for (const threads of [1, 3]) {
        expectSameBits(await withBackend(set, threads, (backend) => int8Product(backend, x)), wanted);
      }
    }
    expectClose("int8 against f32", wanted, exactProduct(x, weights), 0.01);
  });

  test.each(supportedSets)("a row gets the same bits whatever stands beside it, %s", async (set) => {
    await withBackend(set, 2, async (backend) => {
      const x = numbers(1, rows * depth);
      for (const multiply of [int8Product, int4Product]) {
        const wanted = await multiply(backend, x);
        for (const count of [1, 3, 4, 5, 8, 9, 17])
          expectSameBits(await multiply(backend, x.slice(0, count * depth)), wanted.slice(0, count * channels));
      }
    });
  });

  test("int4 gives the same bits for any number of threads, near f32 on every instruction set", async () => {
    const x = numbers(1, 300 * depth);
    const exact = exactProduct(x, weights);
    for (const set of supportedSets) {
      const [one, three] = await Promise.all(
        [1, 3].map((threads) => withBackend(set, threads, (backend) => int4Product(backend, x))),
      );
      expectSameBits(three!, one!);
      expectClose("int4 against f32", one!, exact, 0.15);
    }
  });

  test.each(supportedSets)("a row with a NaN or an infinity becomes NaN, the others stay, %s", async (set) => {
    await withBackend(set, 2, async (backend) => {
      const x = numbers(1, rows * depth);
      const wanted = await int8Product(backend, x);
      x[3 * depth + 7] = Number.NaN;
      x[40 * depth] = -Infinity;
      const got = await int8Product(backend, x);
      got.forEach((value, at) => {
        const row = Math.floor(at / channels);
        expect(value).toBe(row === 3 || row === 40 ? Number.NaN : wanted[at]);
      });
    });
  });

  test.each(supportedSets)("16-bit weights are widened exactly for any number of rows, %s", async (set) => {
    await withBackend(set, 2, async (backend) => {
      for (const dtype of ["bf16", "f16"] as const) {
        // Of more depth than one pass of a product.
        const [k, n] = [1700, 37];
        const patterns = Uint16Array.from({ length: n * k }, (_, at) => 0x3c00 + ((at * 40503) % 0x380));
        const w = Float32Array.from(patterns, (bits) => (dtype === "bf16" ? bf16Value(bits) : f16Value(bits)));
        const buffer = backend.allocate(patterns.byteLength);
        backend.write(buffer, patterns);
        const weight: View = { buffer, dtype, shape: [n, k], strides: [k, 1], offset: 0 };
        for (const count of [1, 2, 7, 8, 9, 16, 17, rows]) {
          const x = numbers(1, count * k);
          const y = tensor(backend, [count, n]);
          const inputs = [tensor(backend, [count, k], x), weight, null];
          backend.fused.linear!.forward({ attrs: {}, inputs, outputs: [y], saved: [] });
          expectClose(`${count} rows of ${dtype}`, await valuesOf(backend, y), exactProduct(x, w, n, k), 5e-6);
        }
      }
    });
  });

  // Of more depth than one pass of a product; of so many channels that not all rows are rounded at once; of no depth.
  test.each(
    supportedSets.flatMap((set) =>
      [[37, 1700] as const, [6001, 10] as const, [5, 0] as const].flatMap(([n, k]) =>
        (["bf16", "f16"] as const).map((dtype) => ({ set, n, k, dtype })),
      ),
    ),
  )("$set: x, bias and y in $dtype like weights [$n, $k]: sums in f32, rounded once", async ({ set, n, k, dtype }) => {
    await withBackend(set, 2, async (backend) => {
      const weight = sixteenBits(backend, dtype, [n, k], 0x3c00);
      const bias = sixteenBits(backend, dtype, [n], 0x4400);
      for (const count of [1, 5, 16, 17, rows, 200]) {
        const x = sixteenBits(backend, dtype, [count, k], 0x3800);
        const y = sixteenBits(backend, dtype, [count, n], 0);
        const inputs = [x.view, weight.view, bias.view];
        backend.fused.linear!.forward({ attrs: {}, inputs, outputs: [y.view], saved: [] });
        const got = new Uint16Array(await backend.read(y.view.buffer, 0, count * n * 2));
        const wanted = exactProduct(x.values, weight.values, n, k, count).map((sum, at) => sum + bias.values[at % n]!);
        const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        // Half a unit in the last place, and the error of f32.
        const bound = (at: number): number =>
          (dtype === "bf16" ? 2 ** -8 : 2 ** -11) * Math.abs(wanted[at]!) + 1e-5 * largest;
        const value = dtype === "bf16" ? bf16Value : f16Value;
        expect(Array.from(got).findIndex((bits, at) => !(Math.abs(value(bits) - wanted[at]!) <= bound(at)))).toBe(-1);
      }
    });
  });

  test.each(supportedSets)("bf16 lets infinities through, %s", async (set) => {
    await withBackend(set, 2, async (backend) => {
      const x = numbers(1, rows * depth);
      x[5 * depth + 200] = Infinity;
      const patterns = Uint16Array.from(new Uint32Array(weights.buffer), (bits) => bits >>> 16);
      const w = Float32Array.from(patterns, bf16Value);
      const buffer = backend.allocate(patterns.byteLength);
      backend.write(buffer, patterns);
      const weight: View = { buffer, dtype: "bf16", shape: [channels, depth], strides: [depth, 1], offset: 0 };
      const y = tensor(backend, [rows, channels]);
      const inputs = [tensor(backend, [rows, depth], x), weight, null];
      backend.fused.linear!.forward({ attrs: {}, inputs, outputs: [y], saved: [] });
      const [got, wanted] = [await valuesOf(backend, y), exactProduct(x, w)];
      const infinite = (values: number[]): number[] => values.slice(5 * channels, 6 * channels);
      expect(infinite(got)).toEqual(infinite(wanted));
      const finite = (values: number[]): number[] => values.toSpliced(5 * channels, channels);
      expectClose("y", finite(got), finite(wanted), 5e-6);
    });
  });
});
