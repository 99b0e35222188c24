/** Accuracy and edge values of f32 matmul per instruction set, against sums in f64; the AMX path splits elements and has the most to lose. */
import type { Backend, View } from "@modernbert-ts/tensor-core";
import { afterAll, describe, expect, test } from "vitest";
import { createCpuBackend } from "../src/index.ts";
import { describeNative, instructionSets, missing, tensor } from "./native.ts";

if (missing) describeNative("native gemm", () => undefined);

interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** [M, K] and [K, N]. */
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Σ a·b and Σ |a·b| in f64, for each element of [M, N]. */
interface Exact {
  readonly sums: Float64Array;
  readonly sizes: Float64Array;
}

/** Deterministic values in -1…1 with all 24 bits of the significand in use. */
function values(count: number, seed: number): Float32Array {
  let state = seed * 2654435761 + 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state - 2 ** 31) / 2 ** 31;
  });
}

function product(m: number, n: number, k: number): Product {
  return { m, n, k, a: values(m * k, 1), b: values(k * n, 2) };
}

/** A stored [M, K] or, transposed, [K, M]; B [K, N] or [N, K]. */
type Layout = "plain" | "transposed";

async function multiply(
  backend: Backend,
  { m, n, k, a, b }: Product,
  {
    left = "plain",
    right = "plain",
    alpha = 1,
    old,
  }: Partial<Record<"left" | "right", Layout>> & { alpha?: number; old?: Float32Array } = {},
): Promise<Float32Array> {
  const views: View[] = [operand(backend, a, m, k, left), operand(backend, b, k, n, right)];
  const out = tensor(backend, [m, n], old);
  backend.run("matmul", [out], views, { alpha, accumulate: old !== undefined });
  const result = new Float32Array(await backend.read(out.buffer, 0, m * n * 4));
  for (const { buffer } of [out, ...views]) backend.release(buffer);
  return result;
}

function operand(backend: Backend, data: Float32Array, rows: number, columns: number, layout: Layout): View {
  if (layout === "plain") return tensor(backend, [rows, columns], data);
  const turned = Float32Array.from(data, (_, at) => data[(at % rows) * columns + Math.floor(at / rows)]!);
  return { ...tensor(backend, [columns, rows], turned), shape: [rows, columns], strides: [1, rows] };
}

function exactly({ m, n, k, a, b }: Product): Exact {
  const sums = new Float64Array(m * n);
  const sizes = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let at = 0; at < k; at++) {
      const left = a[i * k + at]!;
      for (let j = 0; j < n; j++) {
        const term = left * b[at * n + j]!;
        sums[i * n + j]! += term;
        sizes[i * n + j]! += Math.abs(term);
      }
    }
  }
  return { sums, sizes };
}

/** The largest |result - sum| as a multiple of 2^-24 Σ|a·b|. */
function worstError(
  { sums, sizes }: Exact,
  result: Float32Array,
  expected: (sum: number, at: number) => number = (sum) => sum,
): number {
  return sums.reduce((worst, sum, at) => {
    const error = Math.abs(result[at]! - expected(sum, at)) / (sizes[at]! * 2 ** -24);
    return error <= worst ? worst : error;
  }, 0);
}

/** What an element is, without its value where it is finite. */
const kind = (x: number): string => (Number.isFinite(x) ? "finite" : String(x));

for (const { name, supported } of instructionSets) {
  describeNative(
    `gemm, ${name}`,
    () => {
      const backends = new Map<number, Promise<Backend>>();
      const open = (threads = 2): Promise<Backend> => {
        const opened = backends.get(threads) ?? createCpuBackend({ engine: "native", instructionSet: name, threads });
        backends.set(threads, opened);
        return opened;
      };

      afterAll(async () => {
        for (const backend of backends.values()) await (await backend)[Symbol.asyncDispose]();
      });

      // Few terms: there a lost product of parts (2^-16 to 2^-18 of a term) stands out from rounding.
      test.each([
        [32, 16, 32],
        [33, 17, 33],
        [40, 31, 48],
        [47, 32, 63],
        [64, 49, 64],
        [65, 90, 65],
      ])("%i × %i × %i is right to f32, in all layouts", async (m, n, k) => {
        const x = product(m, n, k);
        const exact = exactly(x);
        for (const left of ["plain", "transposed"] as const)
          for (const right of ["plain", "transposed"] as const)
            expect(worstError(exact, await multiply(await open(), x, { left, right }))).toBeLessThan(5);
      });

      // More than one pass over the depth, one task of rows, where tasks share packed operands, lines that fall into the same sets of a
      // cache, and operands too large to be packed at once.
      test.each([
        [300, 70, 800],
        [1100, 40, 768],
        [40, 33, 3000],
        [130, 33, 1024],
        [2900, 20, 768],
        [20, 18, 6500],
      ])("%i × %i × %i is right to f32, with the same bits on 1, 2 and 5 threads", async (m, n, k) => {
        const x = product(m, n, k);
        const exact = exactly(x);
        const left = n === 20 ? "transposed" : "plain";
        const results: Float32Array[] = [];
        for (const threads of [1, 2, 5]) {
          results.push(await multiply(await open(threads), x, { left, right: "transposed" }));
          expect(worstError(exact, results[0]!)).toBeLessThan(5);
          expect(results.at(-1)).toEqual(results[0]);
        }
      });

      test("packed lines in several parts are right to f32", async () => {
        const x = product(2900, 20, 768);
        expect(worstError(exactly(x), await multiply(await open(), x, { left: "transposed" }))).toBeLessThan(5);
      });

      // By dot products, up to 16 rows.
      test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 16])("%i rows against a weight are right to f32", async (m) => {
        const x = product(m, 29, 77);
        expect(worstError(exactly(x), await multiply(await open(), x, { right: "transposed" }))).toBeLessThan(5);
      });

      test("alpha scales the product and not the old content", async () => {
        const x = product(50, 50, 100);
        const old = values(2500, 3);
        const result = await multiply(await open(), x, { alpha: -0.3, old });
        const expected = (sum: number, at: number): number => Math.fround(-0.3) * sum + old[at]!;
        expect(worstError(exactly(x), result, expected)).toBeLessThan(5);
      });

      describe("infinities, NaN and huge elements flow through as in FMA", () => {
        test.each([
          ["Infinity", 0x7f800000],
          ["-Infinity", 0xff800000],
          ["a quiet NaN", 0x7fc00000],
          ["a NaN of all ones", 0x7fffffff],
          ["a negative NaN of all ones", 0xffffffff],
          ["the largest float", 0x7f7fffff],
          ["2^63", 0x5f000000],
        ])("%s", async (_, bits) => {
          for (const side of ["a", "b"] as const) {
            const x = product(70, 70, 100);
            new Uint32Array(x[side].buffer)[3333] = bits;
            const row = side === "a" ? 33 : undefined;
            const column = side === "b" ? 3333 % 70 : undefined;
            const result = await multiply(await open(), x, { right: "transposed" });
            const { sums } = exactly(x);
            const wrong = result.filter((value, at) => {
              const exact = sums[at]!;
              const touched = Math.floor(at / 70) === row || at % 70 === column;
              if (touched && !Number.isFinite(exact)) return kind(value) !== kind(exact);
              return !(Math.abs(value - exact) < 1e-4 * (touched ? Math.abs(exact) : 1));
            });
            expect([...wrong]).toEqual([]);
          }
        });

        test("a finite element that alpha makes infinite", async () => {
          const x = { m: 40, n: 40, k: 40, a: new Float32Array(1600).fill(1e30), b: new Float32Array(1600).fill(1) };
          expect(new Set(await multiply(await open(), x, { alpha: 1e30 }))).toEqual(new Set([Infinity]));
        });

        test("nothing times Infinity is NaN", async () => {
          const x = { m: 40, n: 40, k: 40, a: new Float32Array(1600), b: new Float32Array(1600).fill(Infinity) };
          expect(new Set(await multiply(await open(), x))).toEqual(new Set([NaN]));
        });
      });

      test("tiny elements err by no more than 2^-125 (|a| + |b| + 1) per product", async () => {
        for (const [scaleA, scaleB] of [
          [2 ** -130, 1],
          [1, 2 ** -118],
          [2 ** -60, 2 ** -60],
          [2 ** 40, 2 ** -135],
        ] as const) {
          const x = product(40, 40, 64);
          const scaled = { ...x, a: x.a.map((v) => v * scaleA), b: x.b.map((v) => v * scaleB) };
          const result = await multiply(await open(), scaled);
          const bound = 64 * 2 ** -125 * (scaleA + scaleB + 1) + 64 * scaleA * scaleB * 2 ** -22;
          const { sums } = exactly(scaled);
          const wrong = result.filter((value, at) => !(Math.abs(value - sums[at]!) <= bound));
          expect([...wrong]).toEqual([]);
        }
      });
    },
    supported ? undefined : `this machine does not run ${name}`,
  );
}
