import * as fc from "fast-check";
import { expect, test } from "vitest";
import { toJson } from "../src/vectors.ts";

const isShortest = (value: number, written: number): boolean =>
  Math.fround(written) === value &&
  [6, 7, 8].every((digits) => {
    const candidate = value.toPrecision(digits);
    return Math.fround(Number(candidate)) !== value || String(written).length <= String(Number(candidate)).length;
  });

test("a vector is written in the fewest digits that are the same f32 again", () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const [written] = JSON.parse(toJson(Float32Array.of(value))) as [number];
      expect(Math.fround(written)).toBe(value === 0 ? written : value);
    }),
  );
  const usual = fc.float({ min: Math.fround(-1), max: 1, noNaN: true }).filter((value) => Math.abs(value) > 1e-6);
  fc.assert(
    fc.property(usual, (value) => {
      const [written] = JSON.parse(toJson(Float32Array.of(value))) as [number];
      expect(isShortest(value, written)).toBe(true);
    }),
    { numRuns: 1000 },
  );
  expect(toJson(Float32Array.of(0.1, -0.25, 1, 0, 1e-30))).toBe("[0.1,-0.25,1,0,1.0000000031710769e-30]");
});
