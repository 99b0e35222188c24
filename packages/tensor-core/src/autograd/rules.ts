/**
 * The gradient rule of every primitive. The table is exhaustive: a primitive without a rule, or without an explicit "none",
 * does not compile.
 */
import type { Expression } from "../scalar/expression.ts";
import { ShapeError } from "../errors.ts";
import { isFloating } from "../dtype.ts";
import type { DType } from "../dtype.ts";
import { cast, div, map, mul } from "../ops/elementwise.ts";
import { gather, putAlong, segmentSum, takeAlong } from "../ops/indexing.ts";
import { matmul } from "../ops/matmul.ts";
import { max, sum, sumTo } from "../ops/reduce.ts";
import { expand, transpose } from "../ops/views.ts";
import { maxMapInputs, x } from "../scalar/expression.ts";
import { differentiate } from "../scalar/derivative.ts";
import { scalar } from "../scalar/functions.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { GradientRule, GradientRules } from "../tensor/tape.ts";

const mapRule: GradientRule<"map"> = {
  saves: ({ expression }, count) => mapDerivatives(expression, count).reads,
  gradients({ attrs, inputs, saved, gradOutput, wants }) {
    const { byInput } = mapDerivatives(attrs.expression, inputs.length);
    return inputs.map((input, index) => {
      const derivative = byInput[index];
      if (!wants[index] || !derivative || !isFloating(input.dtype)) return undefined;
      return sumTo(cast(map(derivative, [...saved, gradOutput], gradOutput.dtype), input.dtype), input.shape);
    });
  },
};

interface MapDerivatives {
  /** Expressions over the saved inputs, in the order of `reads`, followed by the incoming gradient. */
  readonly byInput: readonly (Expression | undefined)[];
  readonly reads: readonly number[];
}

const derivativeCache = new WeakMap<Expression, MapDerivatives>();

/** The derivative of a map by each input, worked out once per expression object. */
function mapDerivatives(expression: Expression, count: number): MapDerivatives {
  const known = derivativeCache.get(expression);
  if (known) return known;
  if (count >= maxMapInputs) {
    throw new ShapeError(
      "map",
      `expected at most ${maxMapInputs - 1} inputs where a gradient is asked for, got ${count}`,
    );
  }
  const raw = Array.from({ length: count }, (_, index) => differentiate(expression, index, x(count)));
  const reads = Array.from({ length: count }, (_, index) => index).filter((index) =>
    raw.some((e) => e && refersTo(e, index)),
  );
  const renumber = (index: number): number => (index === count ? reads.length : reads.indexOf(index));
  const result = { byInput: raw.map((e) => e && substitute(e, renumber)), reads };
  derivativeCache.set(expression, result);
  return result;
}

function refersTo(e: Expression, index: number): boolean {
  return e.kind === "input" ? e.index === index : e.kind === "call" && e.args.some((arg) => refersTo(arg, index));
}

function substitute(e: Expression, renumber: (index: number) => number): Expression {
  if (e.kind === "input") return x(renumber(e.index));
  return e.kind === "call" ? { ...e, args: e.args.map((arg) => substitute(arg, renumber)) } : e;
}

const equal = scalar.equal(x(0), x(1));

const reduceRule: GradientRule<"reduce"> = {
  saves: ({ kind }) => (kind === "max" ? [0] : []),
  gradients({ attrs, inputs, saved: [input], gradOutput }) {
    const spread = expand(gradOutput, inputs[0]!.shape);
    if (attrs.kind === "sum" || !input) return [spread];
    const isMax = map(equal, [input, max(input, attrs.axes)]);
    return [mul(isMax, div(spread, sum(isMax, attrs.axes)))];
  },
};

const matmulRule: GradientRule<"matmul"> = {
  saves: () => [0, 1],
  gradients({ saved, gradOutput, wants }) {
    const [a, b] = saved as [Tensor, Tensor];
    const byA = wants[0] ? productLike(a, gradOutput, transpose(b), wants[0]) : undefined;
    const byB = wants[1] ? productLike(b, transpose(a), gradOutput, wants[1]) : undefined;
    return [byA, byB];
  },
};

/** left · right in the shape and memory order of `like`: the gradient of a transposed weight is then dense for the weight itself. */
function productLike(like: Tensor, left: Tensor, right: Tensor, dtype: DType): Tensor {
  const [rows, columns] = like.strides.slice(-2) as [number, number];
  if (rows >= columns) return sumTo(matmul(left, right, dtype), like.shape);
  return transpose(sumTo(matmul(transpose(right), transpose(left), dtype), transpose(like).shape));
}

export const gradientRules: GradientRules = {
  fill: "none",
  iota: "none",
  randomBits: "none",
  copy: {
    saves: () => [],
    gradients: ({ inputs, gradOutput, wants: [dtype] }) =>
      dtype && isFloating(inputs[0]!.dtype) ? [cast(gradOutput, dtype)] : [],
  },
  map: mapRule,
  reduce: reduceRule,
  matmul: matmulRule,
  gather: {
    saves: () => [1],
    gradients: ({ inputs, saved, gradOutput }) => [segmentSum(gradOutput, saved[0]!, inputs[0]!.shape[0]!)],
  },
  segmentSum: { saves: () => [1], gradients: ({ saved, gradOutput }) => [gather(gradOutput, saved[0]!)] },
  takeAlong: {
    saves: () => [1],
    gradients: ({ inputs, saved, gradOutput }) => [putAlong(gradOutput, saved[0]!, inputs[0]!.shape[1]!)],
  },
  putAlong: { saves: () => [1], gradients: ({ saved, gradOutput }) => [takeAlong(gradOutput, saved[0]!)] },
};
