/** `copy`: every layout to every layout, and every cast with its ties, overflows and special values. */
import { isFloating } from "@modernbert-ts/tensor-core";
import type { DType } from "@modernbert-ts/tensor-core";
import { repeatAlong } from "../bench.ts";
import type { ConformanceCase } from "../case.ts";
import { primitive } from "../case.ts";
import { expectRounded } from "../compare.ts";
import { inputLayouts, stridedOutputs } from "../layout.ts";
import { makeArray } from "../nd-array.ts";
import { allTypes, randomArray, shapesOfEveryRank } from "./data.ts";

export function copyCases(): ConformanceCase[] {
  return [...layoutCases(), ...castCases()];
}

function layoutCases(): ConformanceCase[] {
  return (["f32", "f16", "i32", "f64"] as const).flatMap((dtype) =>
    inputLayouts.map((layout): ConformanceCase => {
      return {
        name: `copy / ${dtype} / from ${layout.name}`,
        covers: primitive("copy", dtype),
        requires: { storage: [dtype] },
        async run({ bench, random }) {
          for (const shape of [...shapesOfEveryRank, [129, 65], [3, 1025]]) {
            const x = repeatAlong(randomArray(random, dtype, shape), layout);
            const from = bench.input(x, layout);
            for (const to of stridedOutputs) {
              const got = await bench.compute("copy", { dtype, shape, layout: to }, [from], {});
              expectRounded(got, x.values);
            }
          }
        },
      };
    }),
  );
}

function castCases(): ConformanceCase[] {
  return allTypes.flatMap((from) =>
    allTypes.map((to): ConformanceCase => {
      return {
        name: `copy / ${from} to ${to}`,
        covers: primitive("copy", to),
        requires: { storage: [from, to] },
        async run({ bench, random }) {
          const numbers = numbersBetween(from, to);
          for (let i = 0; i < 200; i++) numbers.push(Math.trunc(random.normal() * 1000) / (isFloating(from) ? 8 : 1));
          const usable = numbers.map((value) => (to === "u32" || from === "u32" ? Math.abs(value) : value));
          const x = makeArray(from, [usable.length], (position) => usable[position]!);
          const got = await bench.compute("copy", { dtype: to, shape: x.shape }, [bench.input(x)], {});
          expectRounded(got, x.values);
        },
      };
    }),
  );
}

/** Numbers that a cast could get wrong, all of them defined: nothing beyond the range of an integer type. */
function numbersBetween(from: DType, to: DType): number[] {
  const numbers = [0, 1, -1, 2, 100, -100, 2047, 2048, 2049];
  if (isFloating(from)) numbers.push(0.5, -0.5, 0.999, -0.999, 1.5, 2.5, -2.5, 3.75, -3.75);
  else numbers.push(2 ** 24 + 1, 2 ** 24 + 3, 2 ** 31 - 1, 2 ** 31 - 64, 2 ** 30 + 33);
  if (!isFloating(from) || !isFloating(to)) return numbers;
  numbers.push(Infinity, -Infinity, Number.NaN, -0, 65504, 65519, 65520, 65536, -70000, 1e-30, 3e38, 3.4e38, 1e-40);
  // Ties of both 16-bit formats around 1 and in the subnormals of f16, each with its neighbours in f32.
  for (const tie of [
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    1 + 2 ** -8,
    1 + 3 * 2 ** -8,
    2 ** -25,
    3 * 2 ** -25,
    5 * 2 ** -26,
    2 ** -14,
  ]) {
    numbers.push(tie, -tie, tie * (1 + 2 ** -22), tie * (1 - 2 ** -22));
  }
  return numbers;
}
