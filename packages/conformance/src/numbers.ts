/**
 * What each dtype can hold, decided independently of any backend. 16-bit floats are rounded by a search through all their values: slow,
 * but easy to check.
 */
import type { DType } from "@modernbert-ts/tensor-core";

/** Half the distance between 1 and the next number: the relative error of one rounding. 0 for integers. */
export const unitRoundoff: Readonly<Record<DType, number>> = {
  f64: 2 ** -53,
  f32: 2 ** -24,
  f16: 2 ** -11,
  bf16: 2 ** -8,
  i32: 0,
  u32: 0,
};

/** Results below this may be flushed to zero. */
export const smallestNormal: Readonly<Record<DType, number>> = {
  f64: 2 ** -1022,
  f32: 2 ** -126,
  f16: 2 ** -14,
  bf16: 2 ** -126,
  i32: 0,
  u32: 0,
};

/** The unit roundoff of the arithmetic behind a dtype: f32, or f64 for f64. */
export function arithmeticRoundoff(dtype: DType): number {
  return dtype === "f64" ? unitRoundoff.f64 : unitRoundoff.f32;
}

interface HalfFormat {
  /** The values of patterns 0 … that of infinity, ascending; the last is infinity's place in the order, not Infinity. */
  readonly magnitudes: Float64Array;
}

function makeFormat(mantissaBits: number, bias: number): HalfFormat {
  const infinity = (2 * bias + 1) * 2 ** mantissaBits;
  const magnitudes = new Float64Array(infinity + 1);
  for (let bits = 0; bits <= infinity; bits++) {
    const exponent = Math.floor(bits / 2 ** mantissaBits);
    const fraction = (bits % 2 ** mantissaBits) / 2 ** mantissaBits;
    magnitudes[bits] = exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
  }
  return { magnitudes };
}

const halfFormats = { f16: makeFormat(10, 15), bf16: makeFormat(7, 127) };

/** The 16-bit pattern nearest to `value`, ties to the even pattern. NaN becomes a quiet NaN. */
export function toPattern(dtype: "f16" | "bf16", value: number): number {
  const { magnitudes } = halfFormats[dtype];
  const infinity = magnitudes.length - 1;
  if (Number.isNaN(value)) return infinity | (dtype === "f16" ? 0x200 : 0x40);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  let [low, high] = [0, infinity];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (magnitudes[middle]! <= magnitude) low = middle;
    else high = middle;
  }
  if (magnitude >= magnitudes[infinity]!) return sign | infinity;
  const toLow = magnitude - magnitudes[low]!;
  const toHigh = magnitudes[high]! - magnitude;
  const nearest = toLow < toHigh || (toLow === toHigh && low % 2 === 0) ? low : high;
  return sign | nearest;
}

export function fromPattern(dtype: "f16" | "bf16", bits: number): number {
  const { magnitudes } = halfFormats[dtype];
  const infinity = magnitudes.length - 1;
  const magnitude = bits & 0x7fff;
  if (magnitude > infinity) return Number.NaN;
  return (bits >= 0x8000 ? -1 : 1) * (magnitude === infinity ? Infinity : magnitudes[magnitude]!);
}

/** The number of `dtype` that `value` is stored as: floats round to nearest even, integers truncate (values must be in range). */
export function roundTo(dtype: DType, value: number): number {
  switch (dtype) {
    case "f64":
      return value;
    case "f32":
      return Math.fround(value);
    case "f16":
    case "bf16":
      return fromPattern(dtype, toPattern(dtype, value));
    case "i32":
    case "u32":
      return Math.trunc(value) + 0;
    default:
      return dtype satisfies never;
  }
}
