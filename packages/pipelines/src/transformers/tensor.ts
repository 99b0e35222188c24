/** A result with a shape, as transformers.js gives for features: `data`, `dims`, `type` and `tolist()`. */
import { TensorError } from "@modernbert-ts/tensor-core";

export type FeatureType = "float32" | "int8" | "uint8";
export type Nested = number | Nested[];

export class FeatureTensor {
  readonly type: FeatureType;
  /** All numbers, row after row. */
  readonly data: Float32Array | Int8Array | Uint8Array;
  readonly dims: number[];

  constructor(data: Float32Array | Int8Array | Uint8Array, dims: readonly number[]) {
    this.type = data instanceof Float32Array ? "float32" : data instanceof Int8Array ? "int8" : "uint8";
    this.data = data;
    this.dims = [...dims];
  }

  get size(): number {
    return this.data.length;
  }

  /** Arrays within arrays, one level for each dimension. */
  tolist(): Nested[] {
    return nest([...this.data], this.dims);
  }
}

function nest(values: number[], [, ...inner]: readonly number[]): Nested[] {
  if (inner.length === 0) return values;
  const step = inner.reduce((size, dim) => size * dim, 1);
  return Array.from({ length: step === 0 ? 0 : values.length / step }, (_, at) =>
    nest(values.slice(at * step, (at + 1) * step), inner),
  );
}

/**
 * One bit per number, 1 above zero, the first in the highest bit; `binary` is `ubinary` less 128.
 * @param tensor [N, d] → [N, d / 8]. @throws TensorError where d is no multiple of 8, or there is another number of dimensions.
 */
export function toBits({ data, dims }: FeatureTensor, precision: "binary" | "ubinary"): FeatureTensor {
  const [rows, width] = dims;
  if (dims.length !== 2 || width! % 8 !== 0) {
    throw new TensorError(
      "pipeline",
      `expected vectors of a multiple of 8 numbers to quantize, got [${dims.join(", ")}]: choose a pooling`,
    );
  }
  const bits = new Uint8Array(data.length / 8);
  for (const [at, value] of data.entries()) {
    if (value > 0) bits[at >> 3]! |= 128 >> (at & 7);
  }
  const values = precision === "ubinary" ? bits : Int8Array.from(bits, (byte) => byte - 128);
  return new FeatureTensor(values, [rows!, width! / 8]);
}
