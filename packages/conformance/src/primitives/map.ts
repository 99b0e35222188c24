/** `map`: expressions with shared parts, constants and up to six inputs, over layouts, broadcasts, mixed dtypes and block edges. */
import { scalar, x } from "@modernbert-ts/tensor-core";
import type { DType, Expression, Shape } from "@modernbert-ts/tensor-core";
import { repeatAlong } from "../bench.ts";
import type { CaseContext, ConformanceCase } from "../case.ts";
import { primitive } from "../case.ts";
import { expectRounded, expectSame, expectWithin } from "../compare.ts";
import { denseOutputs, inputLayouts } from "../layout.ts";
import type { Layout } from "../layout.ts";
import { makeArray } from "../nd-array.ts";
import type { NdArray } from "../nd-array.ts";
import { arithmeticRoundoff, unitRoundoff } from "../numbers.ts";
import { mapOracle } from "../oracle/primitives.ts";
import { floatTypes, randomArray, shapesOfEveryRank } from "./data.ts";

const s = scalar;
const square = s.mul(x(0), x(0));

/** Tame expressions: for inputs of ordinary size no step loses more than a few digits. */
export const expressions: Readonly<Record<string, Expression>> = {
  identity: x(0),
  constant: s.add(s.mul(x(0), 0), 2.5),
  sum: s.add(x(0), x(1)),
  "shared parts": s.add(s.mul(square, square), s.div(square, s.add(1, square))),
  "gelu, tanh form": s.mul(
    s.mul(0.5, x(0)),
    s.add(1, s.tanh(s.mul(0.7978845608028654, s.add(x(0), s.mul(0.044715, s.mul(square, x(0))))))),
  ),
  "gated sigmoid": s.mul(s.mul(x(0), s.sigmoid(x(0))), x(1)),
  "three inputs": s.select(s.less(x(0), x(1)), s.add(x(2), 1), s.mul(x(2), x(0))),
  "six inputs": s.add(s.add(s.mul(x(0), x(1)), s.mul(x(2), x(3))), s.sub(s.max(x(4), x(5)), s.min(x(4), x(5)))),
  "forty steps": Array.from({ length: 20 }).reduce<Expression>((e, _, i) => s.add(s.mul(e, 0.5), i / 10), x(0)),
  "only the last of two inputs": s.neg(x(1)),
};

function inputsOf(expression: Expression): number {
  const json = JSON.stringify(expression);
  return 1 + Math.max(...[0, 1, 2, 3, 4, 5].filter((index) => json.includes(`"index":${index}`)));
}

/** Runs the map and compares with doubles, within a bound that tame expressions keep. */
export async function checkMap(
  { bench, tolerances }: CaseContext,
  expression: Expression,
  dtype: DType,
  inputs: readonly NdArray[],
  layouts: readonly Layout[],
): Promise<void> {
  const shape = inputs[0]!.shape;
  const arithmetic = dtype === "f64" ? "f64" : "f32";
  const views = inputs.map((input, i) => bench.input(input, layouts[i % layouts.length]!));
  const want = mapOracle(shape, expression, inputs);
  for (const layout of denseOutputs) {
    const got = await bench.compute("map", { dtype, shape, layout }, views, { expression });
    expectWithin(got, want, (value) => {
      const computed =
        64 * arithmeticRoundoff(arithmetic) * (tolerances.accumulation ?? 1) * Math.max(1, Math.abs(value));
      return computed + unitRoundoff[dtype] * Math.abs(value);
    });
  }
}

export function mapCases(): ConformanceCase[] {
  return [...expressionCases(), ...layoutCases(), ...mixedCases(), ...specialCases()];
}

function expressionCases(): ConformanceCase[] {
  return Object.entries(expressions).flatMap(([name, expression]) =>
    floatTypes.map((dtype): ConformanceCase => {
      return {
        name: `map / ${name} / ${dtype}`,
        covers: primitive("map", dtype),
        requires: { arithmetic: [dtype] },
        async run(context) {
          const sizes = name === "shared parts" ? [1, 7, 127, 511, 512, 513, 1025, 20_011] : [1, 16, 33, 1025];
          for (const size of sizes) {
            const inputs = Array.from({ length: inputsOf(expression) }, () =>
              randomArray(context.random, dtype, [size]),
            );
            await checkMap(context, expression, dtype, inputs, inputLayouts.slice(0, 1));
          }
        },
      };
    }),
  );
}

/** Every layout beside every other, so that no kernel may assume that inputs agree. */
function layoutCases(): ConformanceCase[] {
  const shapes: readonly Shape[] = [...shapesOfEveryRank, [5, 513], [129, 3]];
  return (["f32", "f16"] as const).flatMap((dtype) =>
    inputLayouts.map((layout): ConformanceCase => {
      return {
        name: `map / layouts / ${dtype} / ${layout.name} beside others`,
        covers: primitive("map", dtype),
        requires: { arithmetic: [dtype] },
        async run(context) {
          for (const shape of shapes) {
            for (const other of inputLayouts) {
              const layouts = [layout, other];
              const inputs = layouts.map((each) => repeatAlong(randomArray(context.random, dtype, shape), each));
              await checkMap(context, s.sub(s.mul(x(0), 2), x(1)), dtype, inputs, layouts);
            }
          }
        },
      };
    }),
  );
}

function mixedCases(): ConformanceCase[] {
  const mixes: readonly { readonly from: readonly DType[]; readonly to: DType }[] = [
    { from: ["i32", "f32"], to: "f32" },
    { from: ["f16", "bf16", "f32"], to: "f32" },
    { from: ["f32", "f16"], to: "bf16" },
    { from: ["i32", "i32"], to: "i32" },
    { from: ["u32", "f32"], to: "i32" },
    { from: ["f32", "f64"], to: "f64" },
    { from: ["f64", "f64"], to: "f32" },
  ];
  return mixes.map(({ from, to }) => ({
    name: `map / mixed dtypes / ${from.join(" and ")} to ${to}`,
    covers: primitive("map", to),
    requires: { arithmetic: [...from, to] },
    async run({ bench, random }) {
      const inputs = from.map((dtype) => makeArray(dtype, [3, 45], () => random.whole(dtype === "u32" ? 0 : -50, 50)));
      const expression = s.add(s.mul(x(0), 0.5), x(inputs.length - 1));
      const views = inputs.map((input) => bench.input(input));
      // Halves of small whole numbers are exact in every type, so only the cast at the end rounds.
      const got = await bench.compute("map", { dtype: to, shape: [3, 45] }, views, { expression });
      expectRounded(got, mapOracle([3, 45], expression, inputs));
    },
  }));
}

function specialCases(): ConformanceCase[] {
  return [
    {
      name: "map / select does not let the other branch through",
      covers: primitive("map", "f32"),
      requires: { arithmetic: ["f32"] },
      async run({ bench }) {
        const a = makeArray("f32", [4], (i) => [-4, 0, 4, Infinity][i]!);
        const safeRoot = s.select(s.lessEqual(0, x(0)), s.sqrt(x(0)), -1);
        const got = await bench.compute("map", { dtype: "f32", shape: [4] }, [bench.input(a)], {
          expression: safeRoot,
        });
        expectSame(got, [-1, 0, 2, Infinity]);
      },
    },
    {
      name: "map / infinities and NaN flow",
      covers: primitive("map", "f32"),
      requires: { arithmetic: ["f32"] },
      async run({ bench }) {
        const values = [Infinity, -Infinity, Number.NaN, 1];
        const a = makeArray("f32", [4], (i) => values[i]!);
        const expression = s.sub(s.mul(x(0), 2), x(0));
        const got = await bench.compute("map", { dtype: "f32", shape: [4] }, [bench.input(a)], { expression });
        expectSame(got, [Number.NaN, Number.NaN, Number.NaN, 1]);
        const flags = await bench.compute("map", { dtype: "f32", shape: [4] }, [bench.input(a)], {
          expression: s.isFinite(x(0)),
        });
        expectSame(flags, [0, 0, 0, 1]);
      },
    },
    {
      name: "map / constants keep their precision",
      covers: primitive("map", "f64"),
      requires: { arithmetic: ["f64"] },
      async run({ bench }) {
        const a = makeArray("f64", [3], (i) => i);
        const got = await bench.compute("map", { dtype: "f64", shape: [3] }, [bench.input(a)], {
          expression: s.add(x(0), 0.1),
        });
        expectSame(got, [0.1, 1.1, 2.1]);
      },
    },
  ];
}
