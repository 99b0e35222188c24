/**
 * Scalar expressions: what a `map` computes per element. Authors of operations build them with `x(0)`, numbers and the functions
 * of `functions.ts`; every backend prints or interprets the same tree.
 */
import type { ScalarFunctionName } from "./table.ts";

export type Expression =
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "call"; readonly name: ScalarFunctionName; readonly args: readonly Expression[] };

/** The most inputs a `map` may have. A differentiable one may have one fewer: its gradient reads the inputs and the incoming gradient. */
export const maxMapInputs = 6;

/** The i-th input of the map. */
export function x(index: number): Expression {
  return { kind: "input", index };
}

export function constant(value: number): Expression {
  return { kind: "constant", value };
}

/** Number of inputs that the expression refers to: the highest index plus one. */
export function inputCount(expression: Expression): number {
  switch (expression.kind) {
    case "input":
      return expression.index + 1;
    case "constant":
      return 0;
    case "call":
      return Math.max(0, ...expression.args.map(inputCount));
  }
}

/** A text that is equal for equal expressions; backends key their pipelines by it. */
export function expressionKey(expression: Expression): string {
  switch (expression.kind) {
    case "input":
      return `x${expression.index}`;
    case "constant":
      return Object.is(expression.value, -0) ? "-0" : String(expression.value);
    case "call":
      return `${expression.name}(${expression.args.map(expressionKey).join(",")})`;
  }
}
