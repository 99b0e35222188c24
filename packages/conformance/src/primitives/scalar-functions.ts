/**
 * Every function of the scalar table over a grid, with the bound that it must keep: `ulps` counts units in the last place of the
 * exact result in f32 (or f64), `absolute` is added. Results below the smallest normal number may be zero.
 */
import { scalar, scalarTable, x } from "@modernbert-ts/tensor-core";
import type { DType, ScalarFunctionName } from "@modernbert-ts/tensor-core";
import type { ConformanceCase, ScalarBound } from "../case.ts";
import { primitive } from "../case.ts";
import { expectWithin } from "../compare.ts";
import { mapOracle } from "../oracle/primitives.ts";
import { makeArray } from "../nd-array.ts";
import { arithmeticRoundoff, roundTo, smallestNormal, unitRoundoff } from "../numbers.ts";
import { floatTypes } from "./data.ts";

/** What a CPU must reach; `Tolerances.scalar` replaces entries for a backend whose language promises less. */
export const scalarBounds: Readonly<Record<ScalarFunctionName, ScalarBound>> = {
  neg: { ulps: 0 },
  abs: { ulps: 0 },
  exp: { ulps: 3 },
  log: { ulps: 3 },
  sqrt: { ulps: 1 },
  rsqrt: { ulps: 2 },
  tanh: { ulps: 6 },
  sigmoid: { ulps: 6 },
  erf: { ulps: 6 },
  sin: { ulps: 3, absolute: 1e-6 },
  cos: { ulps: 3, absolute: 1e-6 },
  floor: { ulps: 0 },
  round: { ulps: 0 },
  isFinite: { ulps: 0 },
  add: { ulps: 1 },
  sub: { ulps: 1 },
  mul: { ulps: 1 },
  div: { ulps: 2 },
  max: { ulps: 0 },
  min: { ulps: 0 },
  less: { ulps: 0 },
  lessEqual: { ulps: 0 },
  equal: { ulps: 0 },
  select: { ulps: 0 },
};

const ordinary = [0, 0.5, 1, 1.5, 2, 3, Math.PI, 7.25, 10, 100, 0.1, 0.01, 1e-3, 1e-5, 1e-10, 1e-20, 1000, 12345.678];
const extreme = [1e10, 1e20, 3e38, 2 ** -126];
const special = [Infinity, -Infinity, Number.NaN];
const signed = (values: readonly number[]): number[] => values.flatMap((value) => [value, -value]);
const ramp = (low: number, high: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));

const usual = [...signed(ordinary), ...signed(extreme), ...ramp(-9, 9, 257), ...special];

/** Arguments of the functions of one variable, where they differ from the usual. */
const grids: Partial<Record<ScalarFunctionName, readonly number[]>> = {
  exp: [...ramp(-110, 95, 1001), ...ramp(-1, 1, 257), ...special, 1e10, -1e10],
  log: [...ramp(0.5, 2, 1001), ...ramp(1e-3, 50, 501), ...ordinary, ...extreme, -1, Infinity, Number.NaN],
  sqrt: [...ramp(0, 50, 501), ...ordinary, ...extreme, -1, Infinity, Number.NaN],
  rsqrt: [...ramp(1e-3, 50, 501), ...ordinary.slice(1), ...extreme, Infinity, Number.NaN],
  tanh: [...ramp(-10, 10, 1001), ...ramp(-0.7, 0.7, 501), ...signed(ordinary), ...special],
  sigmoid: [...ramp(-110, 110, 1101), ...ramp(-2, 2, 257), ...signed(ordinary), ...special],
  erf: [...ramp(-7, 7, 1401), ...ramp(-0.5, 0.5, 501), ...signed(ordinary), ...special],
  round: [...usual, ...ramp(-8, 8, 33), ...signed([0.49999997, 8388607.5, 4194303.5])],
  sin: [...ramp(-8, 8, 1001), ...ramp(-8192, 8192, 1001)],
  cos: [...ramp(-8, 8, 1001), ...ramp(-8192, 8192, 1001)],
};

/** Arguments of the functions of two or three variables: every pair, NaN included except where its effect is left open. */
function tuples(name: ScalarFunctionName): number[][] {
  const open = name === "max" || name === "min";
  const values = [
    ...signed([0, 1, 0.1, 3, 12345.678, 1e-20, 1e20]),
    Infinity,
    -Infinity,
    ...(open ? [] : [Number.NaN]),
  ];
  const pairs = values.flatMap((a) => values.map((b) => [a, b]));
  return name === "select" ? pairs.map(([a, b], i) => [[0, -0, 1, -2, Number.NaN][i % 5]!, a!, b!]) : pairs;
}

function argumentsOf(name: ScalarFunctionName): number[][] {
  if (scalarTable[name].arity === 1) return (grids[name] ?? usual).map((value) => [value]);
  return tuples(name);
}

export function scalarFunctionCases(): ConformanceCase[] {
  const names = Object.keys(scalarTable) as ScalarFunctionName[];
  return names.flatMap((name) => floatTypes.map((dtype) => scalarFunctionCase(name, dtype)));
}

function scalarFunctionCase(name: ScalarFunctionName, dtype: DType): ConformanceCase {
  return {
    name: `map / function ${name} / ${dtype}`,
    covers: primitive("map", dtype),
    requires: { arithmetic: [dtype] },
    async run({ bench, tolerances }) {
      const build = scalar[name] as (...args: readonly unknown[]) => ReturnType<typeof scalar.neg>;
      const { arity } = scalarTable[name];
      const expression = build(...[x(0), x(1), x(2)].slice(0, arity));
      const table = argumentsOf(name);
      const inputs = Array.from({ length: arity }, (_, column) =>
        makeArray(dtype, [table.length], (position) => table[position]![column]!),
      );
      const views = inputs.map((input) => bench.input(input));
      const got = await bench.compute("map", { dtype, shape: [table.length] }, views, { expression });
      const exact = mapOracle([table.length], expression, inputs);
      // Results beyond the range of the dtype are infinite, except near its end, where the bound cannot say which.
      const want = exact.map((value) => (Number.isFinite(roundTo(dtype, value)) ? value : roundTo(dtype, value)));
      const { ulps, absolute = 0 } = tolerances.scalar?.[name] ?? scalarBounds[name];
      const unit = arithmeticRoundoff(dtype);
      const storage = dtype === "f16" || dtype === "bf16" ? unitRoundoff[dtype] : 0;
      expectWithin(got, want, (value) => {
        const scaled = (ulps * 2 * unit + storage) * Math.abs(value) + absolute * (unit / unitRoundoff.f32);
        return scaled + (ulps === 0 && storage === 0 ? 0 : smallestNormal[dtype]);
      });
    },
  };
}
