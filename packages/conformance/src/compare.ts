/** Comparisons with messages that say where and by how much. */
import { ConformanceError } from "./case.ts";
import { indexOf } from "./nd-array.ts";
import type { NdArray } from "./nd-array.ts";
import { arithmeticRoundoff, roundTo, smallestNormal, unitRoundoff } from "./numbers.ts";

/** What an array should be: exact values, and how large the terms were that each was summed from. */
export interface Expected {
  readonly values: ArrayLike<number>;
  /** Σ|term| of each value; absent where nothing is summed. */
  readonly magnitudes?: ArrayLike<number>;
  /** Number of terms of each sum. Default 1. */
  readonly terms?: number;
}

/** Bit for bit, but NaN is NaN and the sign of zero is free. */
export function expectSame(got: NdArray, want: ArrayLike<number>): void {
  expectWithin(got, want, () => 0);
}

/** Exactly the values, each rounded once to the dtype. */
export function expectRounded(got: NdArray, want: ArrayLike<number>): void {
  expectWithin(
    got,
    Array.from(want, (value) => roundTo(got.dtype, value)),
    () => 0,
  );
}

/**
 * Within what `terms` additions in the dtype's arithmetic and one rounding to the dtype can be off.
 * @param roundings Of each term to the dtype before it is added.
 */
export function expectSum(got: NdArray, want: Expected, looseness = 1, roundings = 0): void {
  const { values, magnitudes = values, terms = 1 } = want;
  const additions = (8 + 2 * Math.sqrt(terms)) * arithmeticRoundoff(got.dtype) * looseness;
  const growth = additions + roundings * unitRoundoff[got.dtype];
  expectWithin(got, values, (value, position) => {
    const rounding = unitRoundoff[got.dtype] * Math.abs(value) + smallestNormal[got.dtype];
    return growth * Math.abs(magnitudes[position]!) + rounding;
  });
}

/** Each element within `bound(expected, position)`; infinities must match, NaN must meet NaN. */
export function expectWithin(
  got: NdArray,
  want: ArrayLike<number>,
  bound: (value: number, position: number) => number,
): void {
  for (let position = 0; position < got.values.length; position++) {
    const [actual, expected] = [got.values[position]!, want[position]!];
    if (Object.is(actual, expected) || actual === expected) continue;
    const allowed = bound(expected, position);
    if (Number.isFinite(expected) && Math.abs(actual - expected) <= allowed) continue;
    const where = `[${indexOf(got.shape, position).join(", ")}] of [${got.shape.join(", ")}] ${got.dtype}`;
    const off = `off by ${(actual - expected).toExponential(2)}, allowed ${allowed.toExponential(2)}`;
    throw new ConformanceError(`expected ${expected} at ${where}, got ${actual} (${off})`);
  }
}
