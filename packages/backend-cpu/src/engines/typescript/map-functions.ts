/** The scalar table as loops over registers: one loop per function, so that the engine compiles each to straight code. */
import { erf, roundToEven } from "@modernbert-ts/tensor-core";
import type { ScalarFunctionName } from "@modernbert-ts/tensor-core";
import type { Block } from "./operand.ts";

/** `t[i] = f(a[i], b[i], c[i])` for i < n; arguments that f does not have are to be ignored. */
type Loop = (n: number, t: Block, a: Block, b: Block, c: Block) => void;

/* oxfmt-ignore */
export const mapFunctions: Readonly<Record<ScalarFunctionName, Loop>> = {
  neg(n, t, a) { for (let i = 0; i < n; i++) t[i] = -a[i]!; },
  abs(n, t, a) { for (let i = 0; i < n; i++) t[i] = Math.abs(a[i]!); },
  exp(n, t, a) { for (let i = 0; i < n; i++) t[i] = Math.exp(a[i]!); },
  log(n, t, a) { for (let i = 0; i < n; i++) t[i] = Math.log(a[i]!); },
  sqrt(n, t, a) { for (let i = 0; i < n; i++) t[i] = Math.sqrt(a[i]!); },
  rsqrt(n, t, a) { for (let i = 0; i < n; i++) t[i] = 1 / Math.sqrt(a[i]!); },
  tanh(n, t, a) { for (let i = 0; i < n; i++) t[i] = Math.tanh(a[i]!); },
  sigmoid(n, t, a) { for (let i = 0; i < n; i++) t[i] = 1 / (1 + Math.exp(-a[i]!)); },
  erf(n, t, a) { for (let i = 0; i < n; i++) t[i] = erf(a[i]!); },
  sin(n, t, a) { for (let i = 0; i < n; i++) t[i] = Math.sin(a[i]!); },
  cos(n, t, a) { for (let i = 0; i < n; i++) t[i] = Math.cos(a[i]!); },
  floor(n, t, a) { for (let i = 0; i < n; i++) t[i] = Math.floor(a[i]!); },
  round(n, t, a) { for (let i = 0; i < n; i++) t[i] = roundToEven(a[i]!); },
  isFinite(n, t, a) { for (let i = 0; i < n; i++) t[i] = Number.isFinite(a[i]) ? 1 : 0; },
  add(n, t, a, b) { for (let i = 0; i < n; i++) t[i] = a[i]! + b[i]!; },
  sub(n, t, a, b) { for (let i = 0; i < n; i++) t[i] = a[i]! - b[i]!; },
  mul(n, t, a, b) { for (let i = 0; i < n; i++) t[i] = a[i]! * b[i]!; },
  div(n, t, a, b) { for (let i = 0; i < n; i++) t[i] = a[i]! / b[i]!; },
  max(n, t, a, b) { for (let i = 0; i < n; i++) t[i] = Math.max(a[i]!, b[i]!); },
  min(n, t, a, b) { for (let i = 0; i < n; i++) t[i] = Math.min(a[i]!, b[i]!); },
  less(n, t, a, b) { for (let i = 0; i < n; i++) t[i] = a[i]! < b[i]! ? 1 : 0; },
  lessEqual(n, t, a, b) { for (let i = 0; i < n; i++) t[i] = a[i]! <= b[i]! ? 1 : 0; },
  equal(n, t, a, b) { for (let i = 0; i < n; i++) t[i] = a[i] === b[i] ? 1 : 0; },
  select(n, t, a, b, c) { for (let i = 0; i < n; i++) t[i] = a[i] === 0 ? c[i]! : b[i]!; },
};
