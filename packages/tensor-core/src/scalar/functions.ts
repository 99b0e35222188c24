/** Builders for scalar expressions, with the constant folding that keeps derived gradients short. */
import { constant } from "./expression.ts";
import type { Expression } from "./expression.ts";
import { scalarTable } from "./table.ts";
import type { ScalarFunctionName } from "./table.ts";

export type Operand = Expression | number;

function lift(operand: Operand): Expression {
  return typeof operand === "number" ? constant(operand) : operand;
}

function isConstant(e: Expression, value: number): boolean {
  return e.kind === "constant" && e.value === value;
}

/** A call of a table function; folds constants and the identities of addition and multiplication. */
export function call(name: ScalarFunctionName, ...operands: readonly Operand[]): Expression {
  const args = operands.map(lift);
  if (args.every((arg) => arg.kind === "constant")) {
    const values = args.map((arg) => (arg.kind === "constant" ? arg.value : Number.NaN));
    return constant(scalarTable[name].evaluate(values[0] ?? 0, values[1] ?? 0, values[2] ?? 0));
  }
  const [a, b] = args as [Expression, Expression];
  if (name === "add") {
    if (isConstant(a, 0)) return b;
    if (isConstant(b, 0)) return a;
  } else if (name === "sub" && isConstant(b, 0)) {
    return a;
  } else if (name === "mul") {
    if (isConstant(a, 1)) return b;
    if (isConstant(b, 1)) return a;
  } else if (name === "div" && isConstant(b, 1)) {
    return a;
  }
  return { kind: "call", name, args };
}

export interface ScalarBuilders {
  neg(a: Operand): Expression;
  abs(a: Operand): Expression;
  exp(a: Operand): Expression;
  log(a: Operand): Expression;
  sqrt(a: Operand): Expression;
  rsqrt(a: Operand): Expression;
  tanh(a: Operand): Expression;
  erf(a: Operand): Expression;
  /** 1 / (1 + e^-a); its derivative stays finite where e^-a overflows. */
  sigmoid(a: Operand): Expression;
  sin(a: Operand): Expression;
  cos(a: Operand): Expression;
  floor(a: Operand): Expression;
  /** The nearest whole number, ties to the even one. */
  round(a: Operand): Expression;
  /** 1 where finite, else 0. */
  isFinite(a: Operand): Expression;
  add(a: Operand, b: Operand): Expression;
  sub(a: Operand, b: Operand): Expression;
  mul(a: Operand, b: Operand): Expression;
  div(a: Operand, b: Operand): Expression;
  max(a: Operand, b: Operand): Expression;
  min(a: Operand, b: Operand): Expression;
  /** 1 where a < b, else 0 (also when either is NaN). */
  less(a: Operand, b: Operand): Expression;
  lessEqual(a: Operand, b: Operand): Expression;
  equal(a: Operand, b: Operand): Expression;
  /** `a` where the condition is not 0, else `b`; the branch not taken may be NaN. */
  select(condition: Operand, a: Operand, b: Operand): Expression;
}

/** The table's functions as expression builders. */
export const scalar: ScalarBuilders = {
  neg: (a) => call("neg", a),
  abs: (a) => call("abs", a),
  exp: (a) => call("exp", a),
  log: (a) => call("log", a),
  sqrt: (a) => call("sqrt", a),
  rsqrt: (a) => call("rsqrt", a),
  tanh: (a) => call("tanh", a),
  erf: (a) => call("erf", a),
  sigmoid: (a) => call("sigmoid", a),
  sin: (a) => call("sin", a),
  cos: (a) => call("cos", a),
  floor: (a) => call("floor", a),
  round: (a) => call("round", a),
  isFinite: (a) => call("isFinite", a),
  add: (a, b) => call("add", a, b),
  sub: (a, b) => call("sub", a, b),
  mul: (a, b) => call("mul", a, b),
  div: (a, b) => call("div", a, b),
  max: (a, b) => call("max", a, b),
  min: (a, b) => call("min", a, b),
  less: (a, b) => call("less", a, b),
  lessEqual: (a, b) => call("lessEqual", a, b),
  equal: (a, b) => call("equal", a, b),
  select: (condition, a, b) => call("select", condition, a, b),
};
