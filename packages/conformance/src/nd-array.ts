/** Logical arrays on the host: dtype, shape and values in row-major order, held as doubles that the dtype can represent. */
import { hostView, sizeOf } from "@modernbert-ts/tensor-core";
import type { DType, HostArray, Shape, Strides } from "@modernbert-ts/tensor-core";
import { fromPattern, roundTo, toPattern } from "./numbers.ts";

export interface NdArray {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly values: Float64Array;
}

/** An array from a function of the row-major position; values are rounded to the dtype. */
export function makeArray(dtype: DType, shape: Shape, value: (position: number) => number): NdArray {
  const values = new Float64Array(sizeOf(shape));
  for (let position = 0; position < values.length; position++) values[position] = roundTo(dtype, value(position));
  return { dtype, shape, values };
}

/** The same values as another dtype. */
export function castArray(dtype: DType, array: NdArray): NdArray {
  return makeArray(dtype, array.shape, (position) => array.values[position]!);
}

/** The multi-index of a row-major position. */
export function indexOf(shape: Shape, position: number): number[] {
  const index = Array.from({ length: shape.length }, () => 0);
  let rest = position;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return index;
}

/** The address of every element of a strided view, in row-major order. */
export function addressesOf(shape: Shape, strides: Strides, offset: number): Int32Array {
  const addresses = new Int32Array(sizeOf(shape));
  const index = Array.from({ length: shape.length }, () => 0);
  let address = offset;
  for (let position = 0; position < addresses.length; position++) {
    addresses[position] = address;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      address += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      address -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return addresses;
}

/** A new array of `dtype` with the bytes 0xff in every element: NaN in all float types, -1 and 2³²-1 in the others. */
export function poisoned(dtype: DType, length: number): HostArray {
  const host = hostView(dtype, new ArrayBuffer(length * hostView(dtype, new ArrayBuffer(8)).BYTES_PER_ELEMENT));
  new Uint8Array(host.buffer).fill(0xff);
  return host;
}

/** Stores a number in a host array, as its pattern for the 16-bit floats. */
export function storeHost(dtype: DType, host: HostArray, at: number, value: number): void {
  host[at] = dtype === "f16" || dtype === "bf16" ? toPattern(dtype, value) : value;
}

export function loadHost(dtype: DType, host: HostArray, at: number): number {
  const stored = host[at]!;
  return dtype === "f16" || dtype === "bf16" ? fromPattern(dtype, stored) : stored;
}
