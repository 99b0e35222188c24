/**
 * Elementary functions on vectors. Polynomials and ranges are those of the native engine (native/c/simd/math.h), where their errors
 * were counted over the whole range: exp 1.1, exp2 1.3, log 0.9, erf 1.9, tanh 1.4 units of the last place. NaN gives NaN.
 */
import { multiplyAdd } from "./vector";

function step(p: v128, x: v128, coefficient: f32): v128 {
  return multiplyAdd(p, x, f32x4.splat(coefficient));
}

/** 2^n for whole n in -126…127; 0 for -127. */
function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

/** Underflows gradually to 0, overflows to infinity. */
export function exp(x: v128): v128 {
  x = f32x4.min(f32x4.splat(89), f32x4.max(f32x4.splat(-105), x));
  const whole = f32x4.nearest(f32x4.mul(x, f32x4.splat(Mathf.LOG2E)));
  // ln 2 in two parts, the first with 15 bits: the product is exact.
  let r = f32x4.sub(x, f32x4.mul(whole, f32x4.splat(0.693145752)));
  r = f32x4.sub(r, f32x4.mul(whole, f32x4.splat(1.42860677e-6)));
  let p = f32x4.splat(0.00138146136);
  p = step(p, r, 0.00836870983);
  p = step(p, r, 0.0416683874);
  p = step(p, r, 0.166665207);
  p = step(p, r, 0.499999935);
  p = f32x4.add(multiplyAdd(f32x4.mul(p, r), r, r), f32x4.splat(1));
  // In two steps, so that results near both ends of the range round once.
  const n = i32x4.trunc_sat_f32x4_s(whole);
  const half = i32x4.shr_s(n, 1);
  return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(n, half)));
}

/** 2^x for x ≤ 0, the heart of softmax: 2^0 is exactly 1, anything below -126.5 exactly 0. */
export function exp2OfNegative(x: v128): v128 {
  x = f32x4.max(f32x4.splat(-127), x);
  const whole = f32x4.nearest(x);
  const r = f32x4.sub(x, whole);
  let p = f32x4.splat(0.00015594677);
  p = step(p, r, 0.00134066439);
  p = step(p, r, 0.00961769298);
  p = step(p, r, 0.0555031055);
  p = step(p, r, 0.240226528);
  p = step(p, r, 0.693147215);
  p = step(p, r, 1);
  return f32x4.mul(p, powerOfTwo(i32x4.trunc_sat_f32x4_s(whole)));
}

/** Natural logarithm of a number > 0 that is not subnormal. */
export function log(x: f32): f32 {
  // So that the mantissa below lies in sqrt(1/2)…sqrt(2).
  const bits = reinterpret<i32>(x) - 0x3f3504f3;
  if (!(x < Infinity)) return x;
  const e = <f32>(bits >> 23);
  const f = reinterpret<f32>((bits & 0x007fffff) + 0x3f3504f3) - 1;
  let p: f32 = -0.076344928;
  p = p * f + 0.127615746;
  p = p * f - 0.131601828;
  p = p * f + 0.142017585;
  p = p * f - 0.166233574;
  p = p * f + 0.200012268;
  p = p * f - 0.25000821;
  p = p * f + 0.333333317;
  const square = f * f;
  let y = p * f * square + e * 1.42860677e-6;
  y = f + (y - 0.5 * square);
  return y + e * 0.693145752;
}

function withSignOf(value: v128, x: v128): v128 {
  return v128.or(value, v128.and(x, i32x4.splat(0x80000000)));
}

/** x + x·P(x²) up to 1; above it 1 - erfc, whose logarithm is a polynomial. */
export function erf(x: v128): v128 {
  const z = f32x4.min(f32x4.splat(4), f32x4.abs(x));
  const u = f32x4.mul(x, x);
  let p = f32x4.splat(-0.000563046544);
  p = step(p, u, 0.00491728553);
  p = step(p, u, -0.0267110418);
  p = step(p, u, 0.112801681);
  p = step(p, u, -0.37612324);
  p = step(p, u, 0.128379121);
  const small = multiplyAdd(p, x, x);
  let q = f32x4.splat(-0.00165858587);
  q = step(q, z, 0.0213120539);
  q = step(q, z, -0.127848213);
  q = step(q, z, -0.944261772);
  q = step(q, z, -1.61209944);
  q = step(q, z, -0.00386088656);
  const large = withSignOf(f32x4.sub(f32x4.splat(1), exp2OfNegative(q)), x);
  return v128.bitselect(small, large, f32x4.lt(z, f32x4.splat(1)));
}

export function tanh(x: v128): v128 {
  const u = f32x4.mul(x, x);
  let p = f32x4.splat(-0.00570498657);
  p = step(p, u, 0.020639087);
  p = step(p, u, -0.053739715);
  p = step(p, u, 0.133314422);
  p = step(p, u, -0.333332819);
  const small = multiplyAdd(f32x4.mul(p, u), x, x);
  const one = f32x4.splat(1);
  const grown = exp(f32x4.mul(f32x4.splat(2), f32x4.abs(x)));
  const large = withSignOf(f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(grown, one))), x);
  return v128.bitselect(small, large, f32x4.lt(f32x4.abs(x), f32x4.splat(0.625)));
}
