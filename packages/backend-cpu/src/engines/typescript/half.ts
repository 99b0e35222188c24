/**
 * The 16-bit float formats as bit patterns: decoding through a table of all 65,536 patterns, encoding straight from a double
 * (one rounding, to nearest even) so that f64 → f16 never rounds twice.
 */
import type { DType } from "@modernbert-ts/tensor-core";

interface Format {
  readonly mantissaBits: number;
  readonly exponentBits: number;
}

export type HalfType = Extract<DType, "f16" | "bf16">;

const formats: Readonly<Record<HalfType, Format>> = {
  f16: { mantissaBits: 10, exponentBits: 5 },
  bf16: { mantissaBits: 7, exponentBits: 8 },
};

const tables = new Map<HalfType, Float32Array>();

/** The value of every bit pattern of `dtype`; made at first use. */
export function decodeTable(dtype: HalfType): Float32Array {
  let table = tables.get(dtype);
  if (table === undefined) {
    const format = formats[dtype];
    table = Float32Array.from({ length: 65536 }, (_, bits) => decode(bits, format));
    tables.set(dtype, table);
  }
  return table;
}

function decode(bits: number, { mantissaBits, exponentBits }: Format): number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1);
  const mantissa = bits & (2 ** mantissaBits - 1);
  if (exponent === 2 ** exponentBits - 1) return mantissa === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (2 ** mantissaBits + mantissa) * 2 ** (exponent - bias - mantissaBits);
}

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const highWord = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;
const roundToWhole = 2 ** 52;

/** The bit pattern nearest to `value`, ties to even; too large becomes infinity. */
export function encodeHalf(value: number, dtype: HalfType): number {
  const { mantissaBits, exponentBits } = formats[dtype];
  const bias = 2 ** (exponentBits - 1) - 1;
  const infinity = (2 ** exponentBits - 1) << mantissaBits;
  if (Number.isNaN(value)) return infinity | (1 << (mantissaBits - 1));
  double[0] = value;
  const high = words[highWord]!;
  const sign = (high >>> 31) << 15;
  const exponent = Math.max(((high >>> 20) & 0x7ff) - 1023, 1 - bias);
  if (exponent > bias) return sign | infinity;
  // In units of the last place; adding 2^52 rounds a double to a whole number, to even on ties. A carry runs into the exponent.
  const units = Math.abs(value) * 2 ** (mantissaBits - exponent) + roundToWhole - roundToWhole;
  return sign | (units + (exponent + bias - 1) * 2 ** mantissaBits);
}
