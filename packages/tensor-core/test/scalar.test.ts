import { describe, expect, it } from "vitest";
import { compileProgram, differentiate, erf, scalar, scalarTable, x } from "../src/index.ts";
import type { Expression, ScalarFunctionName } from "../src/index.ts";

function evaluate(e: Expression, inputs: readonly number[]): number {
  if (e.kind === "input") return inputs[e.index]!;
  if (e.kind === "constant") return e.value;
  const [a = 0, b = 0, c = 0] = e.args.map((arg) => evaluate(arg, inputs));
  return scalarTable[e.name].evaluate(a, b, c);
}

const names = Object.keys(scalarTable) as ScalarFunctionName[];

describe("scalar table", () => {
  it.each(names)("%s: the derivative agrees with central differences", (name) => {
    const { arity } = scalarTable[name];
    const call: Expression = { kind: "call", name, args: Array.from({ length: arity }, (_, i) => x(i)) };
    const h = 1e-6;
    for (const point of [
      [0.3, 0.7, 1.9],
      [1.25, 0.4, -0.6],
      [2.2, -1.1, 0.5],
    ]) {
      for (let i = 0; i < arity; i++) {
        const shifted = (by: number): number => evaluate(call, point.with(i, point[i]! + by));
        const numeric = (shifted(h) - shifted(-h)) / (2 * h);
        const derivative = differentiate(call, i, x(arity));
        const symbolic = derivative ? evaluate(derivative, [...point.slice(0, arity), 1]) : 0;
        expect(symbolic).toBeCloseTo(numeric, 6);
      }
    }
  });

  it("differentiates shared subexpressions once and sums their paths", () => {
    const square = scalar.mul(x(0), x(0));
    const e = scalar.add(scalar.mul(square, square), scalar.exp(square));
    const d = differentiate(e, 0, x(1))!;
    const at = 0.7;
    expect(evaluate(d, [at, 1])).toBeCloseTo(4 * at ** 3 + 2 * at * Math.exp(at * at), 12);
    expect(compileProgram(e).instructions).toHaveLength(4);
  });
});

describe("erf", () => {
  // Values of Abramowitz & Stegun table 7.1 and of mpmath beyond it.
  it.each([
    [0, 0],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [2.5, 0.999593047982555],
    [3, 0.9999779095030014],
    [-1, -0.8427007929497149],
    [7, 1],
  ])("erf(%d)", (at, value) => {
    expect(Math.abs(erf(at) - value)).toBeLessThan(2e-15);
  });
  it("passes NaN and infinities", () => {
    expect(erf(Number.NaN)).toBeNaN();
    expect([erf(Infinity), erf(-Infinity)]).toEqual([1, -1]);
  });
});
