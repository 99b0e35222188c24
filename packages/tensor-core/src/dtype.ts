/** Element types: how many bytes each takes and which typed array carries it to and from the host. */
import { DTypeError } from "./errors.ts";

/**
 * `f64` exists for the oracle and for tests; `f16` and `bf16` are storage types whose arithmetic is done in f32.
 * On the host f16 and bf16 travel as their 16-bit patterns.
 */
export type DType = "f32" | "f16" | "bf16" | "f64" | "i32" | "u32";

export type HostArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint16Array;

const table = {
  f32: { bytes: 4, array: Float32Array, floating: true },
  f16: { bytes: 2, array: Uint16Array, floating: true },
  bf16: { bytes: 2, array: Uint16Array, floating: true },
  f64: { bytes: 8, array: Float64Array, floating: true },
  i32: { bytes: 4, array: Int32Array, floating: false },
  u32: { bytes: 4, array: Uint32Array, floating: false },
} as const satisfies Record<DType, { bytes: number; array: unknown; floating: boolean }>;

export const dtypes: readonly DType[] = Object.keys(table) as DType[];

/** Bytes of one element. */
export function bytesOf(dtype: DType): number {
  return table[dtype].bytes;
}

/** True for types that can carry gradients. */
export function isFloating(dtype: DType): boolean {
  return table[dtype].floating;
}

/** True for the 16-bit floats, whose arithmetic is done in f32. */
export function isNarrow(dtype: DType | undefined): dtype is "f16" | "bf16" {
  return dtype === "f16" || dtype === "bf16";
}

/** A typed array of `dtype` over `buffer` (no copy). */
export function hostView(dtype: DType, buffer: ArrayBufferLike, byteOffset = 0, length?: number): HostArray {
  const array: new (buffer: ArrayBufferLike, byteOffset?: number, length?: number) => HostArray = table[dtype].array;
  return new array(buffer, byteOffset, length);
}

/** @throws DTypeError when a typed array is not the kind that carries `dtype`: its bits would be taken for other numbers. */
export function expectHostArray(operation: string, dtype: DType, values: HostArray): void {
  const expected = table[dtype].array.name;
  const got = values[Symbol.toStringTag];
  if (got !== expected) throw new DTypeError(operation, `expected ${dtype} as ${expected}, got ${got}`);
}

/**
 * Converts plain numbers to the host array of `dtype`; f16 and bf16 are not accepted here, make f32 and cast on the device.
 * @throws DTypeError for these two.
 */
export function hostArray(dtype: DType, values: ArrayLike<number>): HostArray {
  if (isNarrow(dtype)) throw new DTypeError("tensor", `expected f32 data to be cast on the device, got ${dtype}`);
  return table[dtype].array.from(values);
}
