/**
 * Weights in fewer bytes, for inference. Small batches are bound by the bytes of the weights, large ones by the arithmetic: bf16 halves
 * the first, bytes quarter it and speed up both, half bytes take least memory. Norms and biases stay as they are.
 */
import { int4Group, int4Linear, int8Linear, quantizeInt4, quantizeInt8 } from "@modernbert-ts/tensor-core";
import type { Runtime, Shape, Tensor } from "@modernbert-ts/tensor-core";

/**
 * `bf16`: all matrices. `int8`: the linear layers of the encoder and the dense layer of heads in bytes (per output channel; their
 * inputs per token, on the way), the embedding, the decoder and the classifier in bf16. `int4`: those layers in half bytes (per 128 inputs of
 * an output channel), inputs in bytes as for int8.
 */
export type WeightFormat = "f32" | "bf16" | QuantizedFormat;
export type QuantizedFormat = "int8" | "int4";

export const weightFormats: readonly WeightFormat[] = ["f32", "bf16", "int8", "int4"];

/** A matrix [n, k] as `int8Linear` or `int4Linear` takes it. */
export interface QuantizedMatrix {
  readonly format: QuantizedFormat;
  /** i32 [n, ⌈k / 4⌉], or [n, 16 · ⌈k / 128⌉] */
  readonly words: Tensor;
  /** f32 [n], or [n, ⌈k / 128⌉] */
  readonly scales: Tensor;
}

export function isQuantizedFormat(format: string): format is QuantizedFormat {
  return format === "int8" || format === "int4";
}

/** The shape of the words of a matrix. */
export function wordsShape(format: QuantizedFormat, [rows, columns]: readonly [number, number]): Shape {
  return [rows, format === "int8" ? Math.ceil(columns / 4) : (Math.ceil(columns / int4Group) * int4Group) / 8];
}

export function scalesShape(format: QuantizedFormat, [rows, columns]: readonly [number, number]): Shape {
  return format === "int8" ? [rows] : [rows, Math.ceil(columns / int4Group)];
}

/** @param values row by row. @throws TensorError for a NaN or an infinity. */
export function quantizeMatrix(
  runtime: Runtime,
  format: QuantizedFormat,
  shape: readonly [number, number],
  values: Float32Array,
): QuantizedMatrix {
  const quantize = format === "int8" ? quantizeInt8 : quantizeInt4;
  const { words, scales } = quantize(values, ...shape);
  return {
    format,
    words: runtime.tensor(words, wordsShape(format, shape), "i32"),
    scales: runtime.tensor(scales, scalesShape(format, shape)),
  };
}

/** input [T, k] · matrixᵀ + bias, in the dtype of the input. */
export function multiplyQuantized(
  input: Tensor,
  { format, words, scales }: QuantizedMatrix,
  bias: Tensor | null,
): Tensor {
  return format === "int8" ? int8Linear(input, words, scales, bias) : int4Linear(input, words, scales, bias);
}
