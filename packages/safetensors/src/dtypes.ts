/**
 * The element types of the format and the typed array that holds each.
 * F16, BF16 and the float8 formats have no JavaScript array: they are held as their raw bits (see half.ts, float8.ts), BOOL as one byte 0 or 1.
 */

interface ArrayOf {
  F64: Float64Array;
  F32: Float32Array;
  F16: Uint16Array;
  BF16: Uint16Array;
  F8_E4M3: Uint8Array;
  F8_E5M2: Uint8Array;
  F8_E4M3FNUZ: Uint8Array;
  F8_E5M2FNUZ: Uint8Array;
  I64: BigInt64Array;
  I32: Int32Array;
  I16: Int16Array;
  I8: Int8Array;
  U8: Uint8Array;
  U16: Uint16Array;
  U32: Uint32Array;
  BOOL: Uint8Array;
}

/** Element types that this package reads and writes. */
export type SafetensorsDType = keyof ArrayOf;

/** The typed array that holds the elements of dtype D; raw bits for F16, BF16 and float8. */
export type TypedArrayOf<D extends SafetensorsDType> = ArrayOf[D];

/** A tensor in memory: row-major elements; the array type follows from `dtype`. */
export type TensorData = {
  [D in SafetensorsDType]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: TypedArrayOf<D> };
}[SafetensorsDType];

const constructors = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  F8_E4M3: Uint8Array,
  F8_E5M2: Uint8Array,
  F8_E4M3FNUZ: Uint8Array,
  F8_E5M2FNUZ: Uint8Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  U16: Uint16Array,
  U32: Uint32Array,
  BOOL: Uint8Array,
} satisfies { [D in SafetensorsDType]: { readonly BYTES_PER_ELEMENT: number } };

/** Every dtype, for messages and tests. */
export const safetensorsDTypes: readonly SafetensorsDType[] = Object.keys(constructors) as SafetensorsDType[];

export function isSafetensorsDType(value: unknown): value is SafetensorsDType {
  return typeof value === "string" && Object.hasOwn(constructors, value);
}

/** Bytes of one element. */
export function bytesPerElement(dtype: SafetensorsDType): number {
  return constructors[dtype].BYTES_PER_ELEMENT;
}

/** The format is little-endian and arrays here are views of its bytes, so the host must be too. */
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The bytes as a tensor of the dtype: a view where their address is a multiple of the element size, a copy where it is not. */
export function tensorFromBytes(dtype: SafetensorsDType, shape: readonly number[], bytes: Uint8Array): TensorData {
  if (!littleEndian) throw new Error("[safetensors] expected a little-endian machine, got a big-endian one");
  const ArrayType = constructors[dtype];
  const size = ArrayType.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const data = new ArrayType(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size);
  return { dtype, shape, data } as TensorData;
}
