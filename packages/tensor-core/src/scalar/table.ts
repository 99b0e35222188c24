/**
 * The scalar functions, each once: how TypeScript evaluates it, how it is differentiated, and how it is written in C, WGSL and CUDA.
 * The texts take operands named a, b, c. In C these are SIMD vectors: `v_…` helpers live in backend-cpu's `simd.h`.
 */
import type { Expression } from "./expression.ts";
import type { ScalarBuilders } from "./functions.ts";
import { erf } from "./erf.ts";
import { roundToEven } from "./round.ts";

export type ScalarFunctionName =
  | "neg"
  | "abs"
  | "exp"
  | "log"
  | "sqrt"
  | "rsqrt"
  | "tanh"
  | "erf"
  | "sigmoid"
  | "sin"
  | "cos"
  | "floor"
  | "round"
  | "isFinite"
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "max"
  | "min"
  | "less"
  | "lessEqual"
  | "equal"
  | "select";

type Derivative = (
  s: ScalarBuilders,
  args: readonly Expression[],
  value: Expression,
) => readonly (Expression | "none")[];

export interface ScalarFunction {
  readonly arity: 1 | 2 | 3;
  evaluate(a: number, b: number, c: number): number;
  /** ∂f/∂argument for each argument as an expression of the arguments and the value; "none" where it is zero almost everywhere. */
  readonly derivative: Derivative | "none";
  readonly c: string;
  readonly wgsl: string;
  readonly cuda: string;
}

const twoOverSqrtPi = 2 / Math.sqrt(Math.PI);

export const scalarTable: Readonly<Record<ScalarFunctionName, ScalarFunction>> = {
  neg: {
    arity: 1,
    evaluate: (a) => -a,
    derivative: () => [{ kind: "constant", value: -1 }],
    c: "-a",
    wgsl: "-a",
    cuda: "-a",
  },
  abs: {
    arity: 1,
    evaluate: (a) => Math.abs(a),
    derivative: (s, [a]) => [s.sub(s.less(0, a!), s.less(a!, 0))],
    c: "v_abs(a)",
    wgsl: "abs(a)",
    cuda: "fabsf(a)",
  },
  exp: {
    arity: 1,
    evaluate: (a) => Math.exp(a),
    derivative: (_s, _, value) => [value],
    c: "v_exp(a)",
    wgsl: "exp(a)",
    cuda: "expf(a)",
  },
  log: {
    arity: 1,
    evaluate: (a) => Math.log(a),
    derivative: (s, [a]) => [s.div(1, a!)],
    c: "v_log(a)",
    wgsl: "log(a)",
    cuda: "logf(a)",
  },
  sqrt: {
    arity: 1,
    evaluate: (a) => Math.sqrt(a),
    derivative: (s, _, value) => [s.div(0.5, value)],
    c: "v_sqrt(a)",
    wgsl: "sqrt(a)",
    cuda: "sqrtf(a)",
  },
  rsqrt: {
    arity: 1,
    evaluate: (a) => 1 / Math.sqrt(a),
    derivative: (s, [a], value) => [s.div(s.mul(-0.5, value), a!)],
    c: "1.0f / v_sqrt(a)",
    wgsl: "inverseSqrt(a)",
    cuda: "rsqrtf(a)",
  },
  tanh: {
    arity: 1,
    evaluate: (a) => Math.tanh(a),
    derivative: (s, _, value) => [s.sub(1, s.mul(value, value))],
    c: "v_tanh(a)",
    wgsl: "tanh_(a)",
    cuda: "tanhf(a)",
  },
  erf: {
    arity: 1,
    evaluate: (a) => erf(a),
    derivative: (s, [a]) => [s.mul(twoOverSqrtPi, s.exp(s.neg(s.mul(a!, a!))))],
    c: "v_erf(a)",
    wgsl: "erf_(a)",
    cuda: "erff(a)",
  },
  sigmoid: {
    arity: 1,
    evaluate: (a) => 1 / (1 + Math.exp(-a)),
    derivative: (s, _, value) => [s.mul(value, s.sub(1, value))],
    c: "1.0f / (1.0f + v_exp(-a))",
    wgsl: "1.0 / (1.0 + exp(-a))",
    cuda: "1.0f / (1.0f + expf(-a))",
  },
  sin: {
    arity: 1,
    evaluate: (a) => Math.sin(a),
    derivative: (s, [a]) => [s.cos(a!)],
    c: "v_sin(a)",
    wgsl: "sin(a)",
    cuda: "sinf(a)",
  },
  cos: {
    arity: 1,
    evaluate: (a) => Math.cos(a),
    derivative: (s, [a]) => [s.neg(s.sin(a!))],
    c: "v_cos(a)",
    wgsl: "cos(a)",
    cuda: "cosf(a)",
  },
  floor: {
    arity: 1,
    evaluate: (a) => Math.floor(a),
    derivative: "none",
    c: "v_floor(a)",
    wgsl: "floor(a)",
    cuda: "floorf(a)",
  },
  round: {
    arity: 1,
    evaluate: (a) => roundToEven(a),
    derivative: "none",
    c: "v_round(a)",
    wgsl: "round(a)",
    cuda: "rintf(a)",
  },
  isFinite: {
    arity: 1,
    evaluate: (a) => (Number.isFinite(a) ? 1 : 0),
    derivative: "none",
    c: "v_isfinite(a)",
    wgsl: "isfinite_(a)",
    cuda: "(isfinite(a) ? 1.0f : 0.0f)",
  },
  add: {
    arity: 2,
    evaluate: (a, b) => a + b,
    derivative: () => [
      { kind: "constant", value: 1 },
      { kind: "constant", value: 1 },
    ],
    c: "a + b",
    wgsl: "a + b",
    cuda: "a + b",
  },
  sub: {
    arity: 2,
    evaluate: (a, b) => a - b,
    derivative: () => [
      { kind: "constant", value: 1 },
      { kind: "constant", value: -1 },
    ],
    c: "a - b",
    wgsl: "a - b",
    cuda: "a - b",
  },
  mul: {
    arity: 2,
    evaluate: (a, b) => a * b,
    derivative: (_s, [a, b]) => [b!, a!],
    c: "a * b",
    wgsl: "a * b",
    cuda: "a * b",
  },
  div: {
    arity: 2,
    evaluate: (a, b) => a / b,
    derivative: (s, [, b], value) => [s.div(1, b!), s.neg(s.div(value, b!))],
    c: "a / b",
    wgsl: "a / b",
    cuda: "a / b",
  },
  max: {
    arity: 2,
    evaluate: (a, b) => Math.max(a, b),
    derivative: (s, [a, b]) => [s.lessEqual(b!, a!), s.less(a!, b!)],
    c: "v_max(a, b)",
    wgsl: "max(a, b)",
    cuda: "fmaxf(a, b)",
  },
  min: {
    arity: 2,
    evaluate: (a, b) => Math.min(a, b),
    derivative: (s, [a, b]) => [s.lessEqual(a!, b!), s.less(b!, a!)],
    c: "v_min(a, b)",
    wgsl: "min(a, b)",
    cuda: "fminf(a, b)",
  },
  less: {
    arity: 2,
    evaluate: (a, b) => (a < b ? 1 : 0),
    derivative: "none",
    c: "v_less(a, b)",
    wgsl: "select(0.0, 1.0, a < b)",
    cuda: "(a < b ? 1.0f : 0.0f)",
  },
  lessEqual: {
    arity: 2,
    evaluate: (a, b) => (a <= b ? 1 : 0),
    derivative: "none",
    c: "v_less_equal(a, b)",
    wgsl: "select(0.0, 1.0, a <= b)",
    cuda: "(a <= b ? 1.0f : 0.0f)",
  },
  equal: {
    arity: 2,
    evaluate: (a, b) => (a === b ? 1 : 0),
    derivative: "none",
    c: "v_equal(a, b)",
    wgsl: "select(0.0, 1.0, a == b)",
    cuda: "(a == b ? 1.0f : 0.0f)",
  },
  select: {
    arity: 3,
    evaluate: (a, b, c) => (a !== 0 ? b : c),
    derivative: (s, [a]) => ["none", s.select(a!, 1, 0), s.select(a!, 0, 1)],
    c: "v_select(a, b, c)",
    wgsl: "select(c, b, a != 0.0)",
    cuda: "(a != 0.0f ? b : c)",
  },
};
