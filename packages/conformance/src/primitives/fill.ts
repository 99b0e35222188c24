/** `fill` and `iota`: exact. */
import { isFloating, sizeOf } from "@modernbert-ts/tensor-core";
import type { ConformanceCase } from "../case.ts";
import { primitive } from "../case.ts";
import { expectRounded } from "../compare.ts";
import { denseOutputs, stridedOutputs } from "../layout.ts";
import { iotaOracle } from "../oracle/primitives.ts";
import { allTypes, shapesOfEveryRank } from "./data.ts";

export function fillCases(): ConformanceCase[] {
  return allTypes.flatMap((dtype) =>
    stridedOutputs.map((layout): ConformanceCase => {
      return {
        name: `fill / ${dtype} / ${layout.name}`,
        covers: primitive("fill", dtype),
        requires: { arithmetic: [dtype] },
        async run({ bench }) {
          const values = isFloating(dtype)
            ? [0, 1, -2.5, 0.1, 1e30, Infinity, -Infinity, Number.NaN]
            : [0, 7, 2 ** 30 + 1];
          for (const shape of shapesOfEveryRank) {
            for (const value of shape.length === 1 ? values : [3]) {
              const got = await bench.compute("fill", { dtype, shape, layout }, [], { value });
              expectRounded(got, new Float64Array(sizeOf(shape)).fill(value));
            }
          }
        },
      };
    }),
  );
}

const counters = [
  { start: 0, step: 1 },
  { start: 5, step: 3 },
  { start: 100, step: -0.5 },
  { start: -0.3, step: 0.1 },
];

export function iotaCases(): ConformanceCase[] {
  return allTypes.flatMap((dtype) =>
    counters.map(({ start, step }): ConformanceCase => {
      return {
        name: `iota / ${dtype} / from ${start} by ${step}`,
        covers: primitive("iota", dtype),
        requires: { arithmetic: [dtype] },
        async run({ bench, skip }) {
          if (dtype === "u32" && start < 0) skip("u32 has no negative numbers");
          for (const shape of [...shapesOfEveryRank, [129], [3, 127]]) {
            for (const layout of denseOutputs) {
              const got = await bench.compute("iota", { dtype, shape, layout }, [], { start, step });
              expectRounded(got, iotaOracle(shape, { start, step }));
            }
          }
        },
      };
    }),
  );
}
