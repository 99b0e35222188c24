/** Element-wise operations: all are `map`, a cast or a copy. */
import { isFloating } from "../dtype.ts";
import type { DType } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { inputCount, maxMapInputs, x } from "../scalar/expression.ts";
import type { Expression } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import { broadcastShapes, broadcastStrides, sameShape, showShape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { applyPrimitive } from "./apply-primitive.ts";

/**
 * Evaluates `expression` for each element, inputs broadcast to one shape.
 * @param dtype of the result; by default that of the first floating input, or of the first input when none is.
 * @throws ShapeError when the inputs do not broadcast or are more or fewer than the expression reads.
 */
export function map(expression: Expression, inputs: readonly Tensor[], dtype?: DType): Tensor {
  const first = inputs[0];
  if (!first || inputs.length > maxMapInputs || inputCount(expression) > inputs.length) {
    throw new ShapeError(
      "map",
      `expected 1 to ${maxMapInputs} inputs and at least ${inputCount(expression)}, got ${inputs.length}`,
    );
  }
  const shape = broadcastShapes(
    "map",
    inputs.map((input) => input.shape),
  );
  const views = inputs.map(({ view }) => ({
    ...view,
    shape,
    strides: broadcastStrides(view.shape, view.strides, shape),
  }));
  const resultType = dtype ?? (inputs.find((input) => isFloating(input.dtype)) ?? first).dtype;
  return applyPrimitive("map", first.runtime, { shape, dtype: resultType }, inputs, { expression }, views);
}

const sumOfTwo = scalar.add(x(0), x(1));
const difference = scalar.sub(x(0), x(1));
const product = scalar.mul(x(0), x(1));
const quotient = scalar.div(x(0), x(1));

export function add(a: Tensor, b: Tensor): Tensor {
  return map(sumOfTwo, [a, b]);
}

export function sub(a: Tensor, b: Tensor): Tensor {
  return map(difference, [a, b]);
}

export function mul(a: Tensor, b: Tensor): Tensor {
  return map(product, [a, b]);
}

export function div(a: Tensor, b: Tensor): Tensor {
  return map(quotient, [a, b]);
}

/** a · factor, with a factor known on the host. */
export function scale(a: Tensor, factor: number): Tensor {
  return map(scalar.mul(x(0), factor), [a]);
}

/** The same values in another dtype; the tensor itself when it has that dtype already. */
export function cast(a: Tensor, dtype: DType): Tensor {
  return a.dtype === dtype ? a : applyPrimitive("copy", a.runtime, { shape: a.shape, dtype }, [a], {});
}

/** A dense copy, or the tensor itself when it is dense. */
export function contiguous(a: Tensor): Tensor {
  return a.dense ? a : applyPrimitive("copy", a.runtime, a, [a], {});
}

/**
 * Overwrites the content of `target` (any view) with `source`, cast to its dtype. Not recorded: for parameters, states and outputs.
 * @throws ShapeError when `source` does not have the shape of `target`.
 */
export function assign(target: Tensor, source: Tensor): void {
  if (!sameShape(target.shape, source.shape)) {
    throw new ShapeError(
      "assign",
      `expected a source of shape ${showShape(target.shape)}, got ${showShape(source.shape)}`,
    );
  }
  if (target.size > 0) target.runtime.backend.run("copy", [target.view], [source.view], {});
}
