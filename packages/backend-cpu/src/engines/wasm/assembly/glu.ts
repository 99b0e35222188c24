/** Gated linear unit: y = activation(x[:, :I]) · x[:, I:], forward and backward. Every activation is a · gate(a). */
import { erf, exp, tanh } from "./math";
import { at, loadPart, storePart } from "./vector";

/** In the order of wasm/fused/glu.ts. */
const gelu: i32 = 0;
const geluTanh: i32 = 1;
const silu: i32 = 2;

/** The constants of the tanh approximation: sqrt(2 / π) · (a + 0.044715 a³). */
const slopeAtZero: f32 = 0.797884561;
const cubic: f32 = 0.044715;

function gate(activation: i32, a: v128): v128 {
  const half = f32x4.splat(0.5);
  const one = f32x4.splat(1);
  if (activation == gelu) {
    return f32x4.add(f32x4.mul(erf(f32x4.mul(a, f32x4.splat(Mathf.SQRT1_2))), half), half);
  }
  if (activation == geluTanh) {
    const grown = f32x4.add(one, f32x4.mul(f32x4.mul(a, a), f32x4.splat(cubic)));
    return f32x4.add(f32x4.mul(tanh(f32x4.mul(f32x4.mul(a, f32x4.splat(slopeAtZero)), grown)), half), half);
  }
  if (activation == silu) return f32x4.div(one, f32x4.add(one, exp(f32x4.neg(a))));
  return v128.and(one, f32x4.gt(a, f32x4.splat(0)));
}

function activate(activation: i32, a: v128, gated: v128): v128 {
  return activation <= silu ? f32x4.mul(a, gated) : f32x4.max(a, f32x4.splat(0));
}

/** d activation / da from a and gate(a). */
function slope(activation: i32, a: v128, gated: v128): v128 {
  const one = f32x4.splat(1);
  if (activation == gelu) {
    const density = exp(f32x4.mul(f32x4.mul(a, a), f32x4.splat(-0.5)));
    return f32x4.add(gated, f32x4.mul(f32x4.mul(a, density), f32x4.splat(0.39894228)));
  }
  if (activation == geluTanh) {
    const inner = f32x4.add(one, f32x4.mul(f32x4.mul(a, a), f32x4.splat(3 * cubic)));
    const spread = f32x4.mul(f32x4.mul(gated, f32x4.sub(one, gated)), f32x4.splat(2 * slopeAtZero));
    return f32x4.add(gated, f32x4.mul(f32x4.mul(a, spread), inner));
  }
  if (activation == silu) {
    return f32x4.mul(gated, f32x4.add(one, f32x4.mul(a, f32x4.sub(one, gated))));
  }
  return gated;
}

/** Task: `rowsPerTask` rows of y [rows, width], x [rows, 2 width]. */
export function gluForward(
  _scratch: usize,
  task: i32,
  y: usize,
  x: usize,
  rows: i32,
  width: i32,
  rowsPerTask: i32,
  activation: i32,
): void {
  const end = min(rows, (task + 1) * rowsPerTask);
  for (let row = task * rowsPerTask; row < end; row++) {
    const left = at(x, 2 * row * width);
    const right = at(left, width);
    for (let i = 0; i < width; i += 4) {
      const n = width - i;
      const a = loadPart(at(left, i), n);
      const value = activate(activation, a, gate(activation, a));
      storePart(at(y, row * width + i), f32x4.mul(value, loadPart(at(right, i), n)), n);
    }
  }
}

/** Task: `rowsPerTask` rows of gradX, x [rows, 2 width] and gradY [rows, width]. */
export function gluBackward(
  _scratch: usize,
  task: i32,
  gradX: usize,
  x: usize,
  gradY: usize,
  rows: i32,
  width: i32,
  rowsPerTask: i32,
  activation: i32,
): void {
  const end = min(rows, (task + 1) * rowsPerTask);
  for (let row = task * rowsPerTask; row < end; row++) {
    const left = 2 * row * width;
    const right = left + width;
    for (let i = 0; i < width; i += 4) {
      const n = width - i;
      const a = loadPart(at(x, left + i), n);
      const gated = gate(activation, a);
      const grad = loadPart(at(gradY, row * width + i), n);
      const gradValue = f32x4.mul(grad, loadPart(at(x, right + i), n));
      storePart(at(gradX, left + i), f32x4.mul(gradValue, slope(activation, a, gated)), n);
      storePart(at(gradX, right + i), f32x4.mul(grad, activate(activation, a, gated)), n);
    }
  }
}
