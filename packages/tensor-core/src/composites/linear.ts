/** A linear layer over weights as PyTorch and safetensors store them, [out, in], where they are narrower than the activations. */
import { DTypeError } from "../errors.ts";
import { isFloating } from "../dtype.ts";
import { add, cast } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { transpose } from "../ops/views.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { expectShape } from "./definition.ts";
import type { CompositeDefinition } from "./definition.ts";

/** input [T, k] · weight [n, k]ᵀ + bias, all in one dtype. */
export function denseLinear(input: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  const product = matmul(input, transpose(weight));
  return bias ? add(product, bias) : product;
}

export const linearDefinition: CompositeDefinition<"linear"> = {
  infer([input, weight, bias]) {
    expectShape("linear", "x", input, [-1, -1]);
    expectShape("linear", "weight", weight, [-1, input.shape[1]!]);
    if (bias) expectShape("linear", "bias", bias, [weight.shape[0]!]);
    if ((input.dtype !== "f32" && input.dtype !== "f64") || !isFloating(weight.dtype)) {
      throw new DTypeError(
        "linear",
        `expected x in f32 and a weight in f32, bf16 or f16, got ${input.dtype} and ${weight.dtype}: cast one of them`,
      );
    }
    return [{ shape: [input.shape[0]!, weight.shape[0]!], dtype: input.dtype }];
  },
  reference: ([input, weight, bias]) => [denseLinear(input!, cast(weight!, input!.dtype), bias ?? null)],
};
