/**
 * Weights in fewer bytes, for inference. Small batches are bound by the bytes of the weights, large ones by the arithmetic: bf16 halves
 * the first, bytes quarter it and speed up both. Norms and biases stay as they are, so do activations between the layers.
 */
import { cast, int8Linear, quantizeInt8 } from "@modernbert-ts/tensor-core";
import type { DType, Runtime, Shape, Tensor } from "@modernbert-ts/tensor-core";

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

/** Collects the weights of a model as they come from the host, each in its format. */
export class WeightStore {
  readonly parameters: Map<string, Tensor> = new Map();
  readonly int8: Map<string, Int8Matrix> = new Map();
  readonly #runtime: Runtime;
  readonly #format: WeightFormat;
  readonly #dtype: DType;

  /** @param dtype of what is not stored in fewer bytes. */
  constructor(runtime: Runtime, format: WeightFormat, dtype: DType) {
    this.#runtime = runtime;
    this.#format = format;
    this.#dtype = dtype;
  }

  /** `values` may be overwritten as soon as the call returns. */
  put(name: string, shape: Shape, values: Float32Array): void {
    const runtime = this.#runtime;
    const dtype = storedAs(name, shape, this.#format) ?? this.#dtype;
    if (dtype === "int8") {
      const [rows, columns] = shape as readonly [number, number];
      const { words, scales } = quantizeInt8(values, rows, columns);
      this.int8.set(name, {
        words: runtime.tensor(words, [rows, words.length / rows], "i32"),
        scales: runtime.tensor(scales, [rows]),
      });
    } else if (dtype === "f64") {
      this.parameters.set(name, runtime.tensor(Float64Array.from(values), shape, dtype));
    } else {
      const stored = runtime.scope(() => cast(runtime.tensor(values, shape), dtype));
      this.parameters.set(name, stored);
    }
  }

  dispose(): void {
    for (const tensor of this.parameters.values()) tensor.dispose();
    for (const { words, scales } of this.int8.values()) for (const tensor of [words, scales]) tensor.dispose();
  }
}

/** How a parameter is held, where its format says so. */
function storedAs(name: string, shape: Shape, format: WeightFormat): "bf16" | "int8" | undefined {
  if (format === "f32" || shape.length < 2) return undefined;
  const layer = name.startsWith("model.layers.") || name.startsWith("head.dense.");
  return format === "int8" && layer ? "int8" : "bf16";
}
