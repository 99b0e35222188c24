/**
 * Weights in fewer bytes, for inference. Small batches are bound by the bytes of the weights, large ones by the arithmetic: bf16 halves
 * the first, bytes quarter it and speed up both. Norms and biases stay as they are, so do activations between the layers.
 */
import { cast, int8Linear } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";

/**
 * `bf16`: all matrices. `int8`: the linear layers of the encoder and the dense layer of heads in bytes (per output channel; their
 * inputs per token, on the way), the embedding, the decoder and the classifier in bf16.
 */
export type WeightFormat = "f32" | "bf16" | "int8";

export const weightFormats: readonly WeightFormat[] = ["f32", "bf16", "int8"];

/** A matrix [n, k] as `int8Linear` takes it. */
export interface Int8Matrix {
  /** i32 [n, ⌈k / 4⌉] */
  readonly words: Tensor;
  /** f32 [n] */
  readonly scales: Tensor;
}

/** input [T, k] · matrixᵀ + bias, in the dtype of the input. */
export function multiplyInt8(input: Tensor, { words, scales }: Int8Matrix, bias: Tensor | null): Tensor {
  return cast(int8Linear(cast(input, "f32"), words, scales, bias), input.dtype);
}
