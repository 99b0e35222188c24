/** `matmul`: edge sizes, every combination of transposes, batches with broadcasts, alpha, accumulate and strided results. */
import { isNarrow } from "@modernbert-ts/tensor-core";
import type { DType, Shape } from "@modernbert-ts/tensor-core";
import { repeatAlong } from "../bench.ts";
import type { CaseContext, ConformanceCase } from "../case.ts";
import { primitive } from "../case.ts";
import { expectSum } from "../compare.ts";
import { dense, gapped, offset, stridedOutputs, transposed, transposedLast } from "../layout.ts";
import type { Layout } from "../layout.ts";
import { makeArray } from "../nd-array.ts";
import type { NdArray } from "../nd-array.ts";
import { matmulOracle } from "../oracle/primitives.ts";
import { unitRoundoff } from "../numbers.ts";
import { floatTypes, randomArray } from "./data.ts";

interface Problem {
  readonly a: NdArray;
  readonly b: NdArray;
  readonly layoutA?: Layout;
  readonly layoutB?: Layout;
  readonly layoutOut?: Layout;
  readonly alpha?: number;
  /** Old content to add to. */
  readonly before?: NdArray;
  /** Of the result; default that of a. */
  readonly dtype?: DType;
}

export async function checkMatmul({ bench, tolerances }: CaseContext, problem: Problem): Promise<void> {
  const { a, b, layoutA = dense, layoutB = dense, layoutOut = dense, alpha = 1, before, dtype = a.dtype } = problem;
  const want = matmulOracle(a, b, alpha, before);
  const inputs = [bench.input(a, layoutA), bench.input(b, layoutB)];
  const out = bench.output(dtype, want.shape, layoutOut, before);
  bench.run("matmul", out, inputs, { alpha, accumulate: before !== undefined });
  // In roundings of the result's dtype.
  const roundings = ((tolerances.productRoundings?.[a.dtype] ?? 0) * unitRoundoff[a.dtype]) / unitRoundoff[dtype];
  expectSum(await bench.read(out), want, tolerances.accumulation, roundings);
}

export function matmulCases(): ConformanceCase[] {
  return floatTypes.flatMap((dtype) => [
    ...sizeCases(dtype),
    ...layoutCases(dtype),
    batchCase(dtype),
    accumulateCase(dtype),
    ...(isNarrow(dtype) ? [wideResultCase(dtype)] : []),
    emptyCase(dtype),
    specialCase(dtype),
  ]);
}

function about(dtype: DType): Pick<ConformanceCase, "covers" | "requires"> {
  return { covers: primitive("matmul", dtype), requires: { arithmetic: [dtype] } };
}

function pair({ random }: CaseContext, dtype: DType, rows: number, columns: number, depth: number): Problem {
  return { a: randomArray(random, dtype, [rows, depth]), b: randomArray(random, dtype, [depth, columns]) };
}

function sizeCases(dtype: DType): ConformanceCase[] {
  const small = [1, 2, 5, 7, 8, 13, 15, 16, 17, 31, 33];
  const named: Record<string, readonly (readonly [number, number, number])[]> = {
    "small sizes": small.flatMap((rows, i) =>
      small.map((columns, j) => [rows, columns, small[(i + j) % small.length]!] as const),
    ),
    "block edges": [
      [127, 129, 65],
      [129, 127, 63],
      [64, 64, 64],
      [65, 48, 257],
      [96, 33, 513],
      [3, 300, 64],
      [300, 3, 64],
    ],
    "long inner dimension": [
      [9, 18, 3001],
      [1, 1, 5000],
      [6, 16, 1024],
    ],
    "row and column vectors": [
      [1, 257, 129],
      [257, 1, 129],
      [1, 1, 1],
    ],
  };
  return Object.entries(named).map(([name, sizes]) => ({
    ...about(dtype),
    name: `matmul / ${dtype} / ${name}`,
    async run(context) {
      for (const [rows, columns, depth] of sizes)
        await checkMatmul(context, pair(context, dtype, rows, columns, depth));
    },
  }));
}

function layoutCases(dtype: DType): ConformanceCase[] {
  const factors = [dense, transposedLast, gapped, offset];
  return factors.flatMap((layoutA) =>
    factors.map((layoutB): ConformanceCase => {
      return {
        ...about(dtype),
        name: `matmul / ${dtype} / a ${layoutA.name}, b ${layoutB.name}`,
        async run(context) {
          for (const layoutOut of stridedOutputs) {
            for (const [rows, columns, depth] of [
              [37, 21, 19],
              [1, 35, 9],
              [34, 1, 70],
              [70, 66, 35],
            ] as const) {
              await checkMatmul(context, {
                ...pair(context, dtype, rows, columns, depth),
                layoutA,
                layoutB,
                layoutOut,
              });
            }
          }
        },
      };
    }),
  );
}

/** The factor is repeated along the given batch axes. */
function shared(axes: readonly number[]): Layout {
  return { ...dense, name: "shared", broadcast: () => axes };
}

function batchCase(dtype: DType): ConformanceCase {
  return {
    ...about(dtype),
    name: `matmul / ${dtype} / batches and broadcast batches`,
    async run(context) {
      const { random } = context;
      const factor = (shape: Shape, layout: Layout): NdArray => repeatAlong(randomArray(random, dtype, shape), layout);
      for (const [batch, rows, columns, depth] of [
        [[3], 7, 5, 9],
        [[2, 3], 5, 17, 8],
        [[2, 1, 2, 3], 3, 4, 5],
        [[40], 1, 9, 16],
      ] as const) {
        for (const [layoutA, layoutB] of [
          [dense, dense],
          [shared([0]), dense],
          [dense, shared([0])],
          [transposed, transposedLast],
          [dense, shared([batch.length - 1])],
        ] as const) {
          await checkMatmul(context, {
            a: factor([...batch, rows, depth], layoutA),
            b: factor([...batch, depth, columns], layoutB),
            layoutA,
            layoutB,
            layoutOut: gapped,
          });
        }
      }
    },
  };
}

const fewSizes = [
  [5, 7, 3],
  [33, 31, 65],
  [65, 70, 300],
  [1, 40, 20],
  [64, 128, 256],
] as const;

function accumulateCase(dtype: DType): ConformanceCase {
  return {
    ...about(dtype),
    name: `matmul / ${dtype} / alpha and accumulate`,
    async run(context) {
      for (const [rows, columns, depth] of fewSizes) {
        for (const [alpha, layoutOut] of [
          [1, dense],
          [0.125, offset],
          [-2, transposed],
          [-1, gapped],
        ] as const) {
          const before = randomArray(context.random, dtype, [rows, columns]);
          await checkMatmul(context, { ...pair(context, dtype, rows, columns, depth), alpha, layoutOut });
          await checkMatmul(context, { ...pair(context, dtype, rows, columns, depth), alpha, before, layoutOut });
        }
      }
    },
  };
}

/** As autograd asks for weight gradients: products of 16 bits, not rounded. */
function wideResultCase(dtype: DType): ConformanceCase {
  return {
    ...about(dtype),
    name: `matmul / ${dtype} / a result in f32`,
    async run(context) {
      for (const [rows, columns, depth] of fewSizes) {
        for (const layoutOut of [dense, offset, transposed]) {
          const problem = { ...pair(context, dtype, rows, columns, depth), dtype: "f32", layoutOut } as const;
          await checkMatmul(context, { ...problem, layoutA: transposedLast });
          const before = randomArray(context.random, "f32", [rows, columns]);
          await checkMatmul(context, { ...problem, before, layoutB: transposedLast });
        }
      }
    },
  };
}

function emptyCase(dtype: DType): ConformanceCase {
  return {
    ...about(dtype),
    name: `matmul / ${dtype} / empty extents`,
    async run(context) {
      const empty = [
        [3, 4, 0],
        [0, 4, 3],
        [3, 0, 5],
      ] as const;
      for (const [rows, columns, depth] of empty)
        await checkMatmul(context, pair(context, dtype, rows, columns, depth));
      const before = randomArray(context.random, dtype, [3, 4]);
      await checkMatmul(context, { ...pair(context, dtype, 3, 4, 0), before });
    },
  };
}

/** A kernel that pads its blocks must not let padding meet an infinity, nor skip a zero that meets one. */
function specialCase(dtype: DType): ConformanceCase {
  return {
    ...about(dtype),
    name: `matmul / ${dtype} / infinities and NaN`,
    async run(context) {
      const [rows, columns, depth] = [19, 21, 23];
      for (const value of [Infinity, -Infinity, Number.NaN]) {
        const plain = pair(context, dtype, rows, columns, depth);
        const a = makeArray(dtype, [rows, depth], (at) => (at === 5 * depth + 7 ? value : plain.a.values[at]!));
        const b = makeArray(dtype, [depth, columns], (at) => (at === 7 * columns + 3 ? 0 : plain.b.values[at]!));
        await checkMatmul(context, { a, b });
        const wide = makeArray(dtype, [depth, columns], (at) => (at % 50 === 0 ? value : plain.b.values[at]!));
        await checkMatmul(context, { a: plain.a, b: wide });
      }
    },
  };
}
