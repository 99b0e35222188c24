/**
 * The four float8 formats to float32. Each byte stands for one of 256 values, so a format is a table, made from its definition when
 * it is first read. They are read and never made: what is computed here is written in the wider formats.
 */

interface Float8Format {
  readonly exponentBits: number;
  readonly bias: number;
  /** The value of a byte that is not a number of the usual form, or undefined where it is one. */
  special(bits: number): number | undefined;
}

/** Finite ("FN") formats spend one pattern per sign on NaN; "UZ" ones have no negative zero and make its pattern their only NaN. */
const unsignedZero = (bits: number): number | undefined => (bits === 0x80 ? NaN : undefined);

/** The float8 formats, by their dtypes in a file. */
export type Float8DType = "F8_E4M3" | "F8_E5M2" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ";

const formats: Readonly<Record<Float8DType, Float8Format>> = {
  F8_E4M3: { exponentBits: 4, bias: 7, special: (bits) => ((bits & 0x7f) === 0x7f ? NaN : undefined) },
  F8_E5M2: {
    exponentBits: 5,
    bias: 15,
    special: (bits) => ((bits & 0x7f) > 0x7c ? NaN : bits === 0x7c ? Infinity : bits === 0xfc ? -Infinity : undefined),
  },
  F8_E4M3FNUZ: { exponentBits: 4, bias: 8, special: unsignedZero },
  F8_E5M2FNUZ: { exponentBits: 5, bias: 16, special: unsignedZero },
};

const tables = new Map<Float8DType, Float32Array>();

/** Raw float8 bytes to float32, exact; `target` (same length) is filled. */
export function float8ToFloat32(dtype: Float8DType, bits: Uint8Array, target: Float32Array): void {
  let table = tables.get(dtype);
  if (table === undefined) {
    table = Float32Array.from({ length: 256 }, (_, pattern) => valueOf(formats[dtype], pattern));
    tables.set(dtype, table);
  }
  for (let i = 0; i < bits.length; i++) target[i] = table[bits[i]!]!;
}

function valueOf({ exponentBits, bias, special }: Float8Format, bits: number): number {
  const value = special(bits);
  if (value !== undefined) return value;
  const fractionBits = 7 - exponentBits;
  const exponent = (bits & 0x7f) >>> fractionBits;
  const fraction = (bits & ((1 << fractionBits) - 1)) / (1 << fractionBits);
  const magnitude = exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
  return bits >= 0x80 ? -magnitude : magnitude;
}
