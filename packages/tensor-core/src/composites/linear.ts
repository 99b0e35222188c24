/** A linear layer over weights as PyTorch and safetensors store them, [out, in], in the dtype of the activations or a shorter one. */
import { DTypeError } from "../errors.ts";
import { bytesOf, isFloating } from "../dtype.ts";
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
    const narrower = isFloating(weight.dtype) && bytesOf(weight.dtype) < bytesOf(input.dtype);
    if (!isFloating(input.dtype) || !(narrower || weight.dtype === input.dtype)) {
      throw new DTypeError(
        "linear",
        `expected floats and a weight in the dtype of x or a shorter one, got ${input.dtype} and ${weight.dtype}: cast one of them`,
      );
    }
    return [{ shape: [input.shape[0]!, weight.shape[0]!], dtype: input.dtype }];
  },
  /** The weight is read as it lies. */
  widening: { inputs: [0, 2] },
  needsNoKernel: ({ inputs: [input, weight] }, { accelerated }) =>
    input!.dtype === weight!.dtype && accelerated.includes(input!.dtype),
  reference: ([input, weight, bias]) => [denseLinear(input!, cast(weight!, input!.dtype), bias ?? null)],
};
