/** `reduce`: sums and maxima over every choice of axes, from every layout. */
import { isFloating } from "@modernbert-ts/tensor-core";
import type { DType, PrimitiveAttrs, Shape } from "@modernbert-ts/tensor-core";
import { repeatAlong } from "../bench.ts";
import type { CaseContext, ConformanceCase } from "../case.ts";
import { primitive } from "../case.ts";
import { expectSame, expectSum } from "../compare.ts";
import { dense, denseOutputs, inputLayouts } from "../layout.ts";
import type { Layout } from "../layout.ts";
import { makeArray } from "../nd-array.ts";
import type { NdArray } from "../nd-array.ts";
import { reduceOracle } from "../oracle/primitives.ts";
import { allTypes, edgeSizes, randomArray } from "./data.ts";

type Kind = PrimitiveAttrs["reduce"]["kind"];

const problems: readonly { readonly shape: Shape; readonly axes: readonly number[] }[] = [
  { shape: [], axes: [] },
  { shape: [17], axes: [0] },
  { shape: [17], axes: [] },
  { shape: [7, 33], axes: [0] },
  { shape: [7, 33], axes: [1] },
  { shape: [7, 33], axes: [0, 1] },
  { shape: [1, 9], axes: [0] },
  { shape: [3, 0], axes: [1] },
  { shape: [0, 3], axes: [0] },
  { shape: [3, 0], axes: [0] },
  { shape: [4, 5, 6], axes: [1] },
  { shape: [4, 5, 6], axes: [0, 2] },
  { shape: [2, 3, 4, 5], axes: [1, 2] },
  { shape: [2, 3, 2, 3, 2, 3], axes: [1, 3, 5] },
  { shape: [2, 3, 2, 3, 2, 3], axes: [0, 2, 4] },
  { shape: [2, 3, 2, 3, 2, 3], axes: [0, 1, 2, 3, 4, 5] },
];

export async function checkReduce(
  { bench, tolerances }: CaseContext,
  x: NdArray,
  attrs: PrimitiveAttrs["reduce"],
  layout: Layout = dense,
): Promise<void> {
  const want = reduceOracle(x, attrs);
  for (const to of denseOutputs) {
    const got = await bench.compute(
      "reduce",
      { dtype: x.dtype, shape: want.shape, layout: to },
      [bench.input(x, layout)],
      attrs,
    );
    if (attrs.kind === "max" || !isFloating(x.dtype)) expectSame(got, want.values);
    else expectSum(got, want, tolerances.accumulation);
  }
}

export function reduceCases(): ConformanceCase[] {
  const kinds: readonly Kind[] = ["sum", "max"];
  return kinds.flatMap((kind) => allTypes.flatMap((dtype) => casesOf(kind, dtype)));
}

function casesOf(kind: Kind, dtype: DType): ConformanceCase[] {
  const about = { covers: primitive("reduce", dtype), requires: { arithmetic: [dtype] } };
  const cases: ConformanceCase[] = inputLayouts.map((layout) => ({
    ...about,
    name: `reduce / ${kind} / ${dtype} / ${layout.name}`,
    async run(context) {
      for (const { shape, axes } of problems) {
        // The maximum of nothing has no value in the integer types.
        if (kind === "max" && !isFloating(dtype) && shape.includes(0)) continue;
        await checkReduce(
          context,
          repeatAlong(randomArray(context.random, dtype, shape), layout),
          { kind, axes },
          layout,
        );
      }
    },
  }));
  cases.push({
    ...about,
    name: `reduce / ${kind} / ${dtype} / edge sizes`,
    async run(context) {
      for (const size of edgeSizes) {
        for (const [shape, axis] of [
          [[3, size], 1],
          [[size, 3], 0],
          [[size, 1029], 0],
          [[1029, size], 1],
        ] as const) {
          if (size > 33 && shape.includes(1029)) continue;
          await checkReduce(context, randomArray(context.random, dtype, shape), { kind, axes: [axis] });
        }
      }
      await checkReduce(context, randomArray(context.random, dtype, [70_001]), { kind, axes: [0] });
    },
  });
  if (isFloating(dtype)) cases.push(specialValues(kind, dtype));
  else cases.push(largeIntegers(kind, dtype));
  return cases;
}

function specialValues(kind: Kind, dtype: DType): ConformanceCase {
  return {
    name: `reduce / ${kind} / ${dtype} / infinities and NaN`,
    covers: primitive("reduce", dtype),
    requires: { arithmetic: [dtype] },
    async run(context) {
      const rows = [
        [1, Infinity, 2],
        [-Infinity, 3, -Infinity],
        [-Infinity, -Infinity, -Infinity],
      ];
      // Whether a maximum sees NaN is left to the backend.
      if (kind === "sum") rows.push([1, Number.NaN, 2], [Infinity, -Infinity, 0]);
      const flat = rows.flat();
      const x = makeArray(dtype, [rows.length, 3], (position) => flat[position]!);
      await checkReduce(context, x, { kind, axes: [1] });
      const wide = makeArray(dtype, [2, 67], (position) => (position === 40 ? Infinity : -1));
      await checkReduce(context, wide, { kind, axes: [1] });
      await checkReduce(context, wide, { kind, axes: [0] });
    },
  };
}

/** Sums that f32 cannot hold. */
function largeIntegers(kind: Kind, dtype: DType): ConformanceCase {
  return {
    name: `reduce / ${kind} / ${dtype} / large integers`,
    covers: primitive("reduce", dtype),
    requires: { arithmetic: [dtype] },
    async run(context) {
      const x = makeArray(dtype, [2, 65], (position) => (position % 65 === 0 ? 2 ** 28 + 1 : position % 7));
      await checkReduce(context, x, { kind, axes: [1] });
    },
  };
}
