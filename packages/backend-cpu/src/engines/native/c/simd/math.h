/* Elementary functions on vectors (included by simd/simd.h). The polynomials are minimax fits made for this file (Remez exchange on the
 * reduced interval, coefficients rounded to f32). Bounds of the error in units of the last place, with and without FMA, from trying
 * 600 million f32 of the whole range against double precision (check/simd_math.c):
 *
 *   v_exp    1.1   underflows gradually to 0, overflows to infinity
 *   v_log    0.9   also for subnormals; log 0 = -∞, NaN below 0
 *   v_erf    1.9
 *   v_tanh   1.4
 *   v_sin, v_cos   1.4 for |x| ≤ 3, absolute 9e-8 for |x| ≤ 1e4; beyond it the C library, lane by lane
 *
 * NaN gives NaN everywhere. */
#ifndef MB_SIMD_MATH_H
#define MB_SIMD_MATH_H

#include <math.h>

/* Adding and subtracting it rounds |x| < 2^22 to the nearest whole number, whose low bits are then the low bits of the sum. */
#define V_ROUNDER 12582912.0f

/* 2^n for whole n in -126…127; 0 for -127. */
static inline vf v_power_of_two(vi n) { return (vf)((n + 127) << 23); }

static inline vf v_exp(vf x) {
  x = v_lesser_of(v_set(89.0f), v_greater_of(v_set(-105.0f), x));
  vf rounded = x * 1.44269504f + V_ROUNDER;
  vi n = (vi)rounded - (vi)v_set(V_ROUNDER);
  rounded -= V_ROUNDER;
  vf r = x - rounded * 0.693145752f; /* ln 2 in two parts, the first with 15 bits: the product is exact */
  r = r - rounded * 1.42860677e-6f;
  vf p = v_set(0.00138146136f);
  p = p * r + 0.00836870983f;
  p = p * r + 0.0416683874f;
  p = p * r + 0.166665207f;
  p = p * r + 0.499999935f;
  p = p * r * r + r + 1.0f;
  vi half = n >> 1; /* in two steps, so that results near both ends of the range round once */
  return p * v_power_of_two(half) * v_power_of_two(n - half);
}

/* 2^x for x ≤ 0, the heart of softmax, within 1.3 units of the last place: 2^0 is exactly 1, anything below -126.5 exactly 0. */
static inline vf v_exp2_negative(vf x) {
  x = v_greater_of(v_set(-127.0f), x);
  vf rounded = x + (V_ROUNDER + 127.0f);
  vf scale = (vf)((vi)rounded << 23);
  vf r = x - (rounded - (V_ROUNDER + 127.0f));
  vf p = v_set(0.000155946770f);
  p = p * r + 0.00134066439f;
  p = p * r + 0.00961769298f;
  p = p * r + 0.0555031055f;
  p = p * r + 0.240226528f;
  p = p * r + 0.693147215f;
  p = p * r + 1.0f;
  return p * scale;
}

static inline vf v_log(vf x) {
  vi tiny = x < 1.17549435e-38f;
  vf scaled = v_blend(tiny, x * 8388608.0f, x);
  vi bits = (vi)scaled - 0x3f3504f3; /* so that the mantissa below lies in sqrt(1/2)…sqrt(2) */
  vi exponent = (bits >> 23) - (tiny & 23);
  vf f = (vf)((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;
  vf e = __builtin_convertvector(exponent, vf);
  vf p = v_set(-0.0763449280f);
  p = p * f + 0.127615746f;
  p = p * f - 0.131601828f;
  p = p * f + 0.142017585f;
  p = p * f - 0.166233574f;
  p = p * f + 0.200012268f;
  p = p * f - 0.250008210f;
  p = p * f + 0.333333317f;
  vf square = f * f;
  vf y = p * f * square + e * 1.42860677e-6f;
  y = y - 0.5f * square;
  y = f + y;
  y = y + e * 0.693145752f;
  y = v_blend(x < INFINITY, y, x); /* infinity and NaN as they are */
  y = v_blend(x == 0.0f, v_set(-INFINITY), y);
  return v_blend(x < 0.0f, v_set(NAN), y);
}

/* x + x·P(x²) up to 1; above it 1 - erfc, whose logarithm is a polynomial. */
static inline vf v_erf(vf x) {
  vf z = v_lesser_of(v_set(4.0f), v_abs(x)), u = x * x;
  vf p = v_set(-0.000563046544f);
  p = p * u + 0.00491728553f;
  p = p * u - 0.0267110418f;
  p = p * u + 0.112801681f;
  p = p * u - 0.376123240f;
  p = p * u + 0.128379121f;
  vf small = p * x + x;
  vf q = v_set(-0.00165858587f);
  q = q * z + 0.0213120539f;
  q = q * z - 0.127848213f;
  q = q * z - 0.944261772f;
  q = q * z - 1.61209944f;
  q = q * z - 0.00386088656f;
  vf large = 1.0f - v_exp2_negative(q);
  large = (vf)((vi)large | ((vi)x & (int32_t)0x80000000));
  return v_blend(z < 1.0f, small, large);
}

static inline vf v_tanh(vf x) {
  vf u = x * x;
  vf p = v_set(-0.00570498657f);
  p = p * u + 0.0206390870f;
  p = p * u - 0.0537397150f;
  p = p * u + 0.133314422f;
  p = p * u - 0.333332819f;
  vf small = p * u * x + x;
  vf large = 1.0f - 2.0f / (v_exp(2.0f * v_abs(x)) + 1.0f);
  large = (vf)((vi)large | ((vi)x & (int32_t)0x80000000));
  return v_blend(v_abs(x) < 0.625f, small, large);
}

static inline vf v_floor(vf x) {
  vi exact = ~(v_abs(x) < 8388608.0f); /* whole already, infinite or NaN */
  vf truncated = __builtin_convertvector(__builtin_convertvector(v_blend(exact, v_set(0.0f), x), vi), vf);
  vf below = truncated - v_truth(truncated > x);
  below = (vf)((vi)below | ((vi)x & (int32_t)0x80000000)); /* floor(-0) = -0 */
  return v_blend(exact, x, below);
}

/* To the nearest whole number, ties to even: adding 2^23 leaves no bits for a fraction. */
static inline vf v_round(vf x) {
  vf magnitude = v_abs(x), rounded = magnitude + 8388608.0f - 8388608.0f;
  rounded = (vf)((vi)rounded | ((vi)x & (int32_t)0x80000000));
  return v_blend(magnitude < 8388608.0f, rounded, x);
}

/* sin(x + quarters · π/2) for |x| ≤ 1e4: π/2 in four parts (the first three with 11 bits, so that their products are exact). */
static inline vf v_sin_reduced(vf x, int32_t quarters) {
  vf rounded = x * 0.636619772f + V_ROUNDER;
  vi quadrant = (vi)rounded + quarters;
  rounded -= V_ROUNDER;
  vf r = x - rounded * 1.5703125f;
  r = r - rounded * 0.000483751297f;
  r = r - rounded * 7.54953362e-08f;
  r = r - rounded * 2.56334407e-12f;
  vf u = r * r;
  vf sine = v_set(-0.000195152831f);
  sine = sine * u + 0.00833216076f;
  sine = sine * u - 0.166666546f;
  sine = sine * u * r + r;
  vf cosine = v_set(2.44331572e-5f);
  cosine = cosine * u - 0.00138873163f;
  cosine = cosine * u + 0.0416666457f;
  cosine = cosine * u * u - 0.5f * u + 1.0f;
  vf y = v_blend((quadrant & 1) != 0, cosine, sine);
  return (vf)((vi)y ^ ((quadrant & 2) << 30));
}

static inline vf v_sin(vf x) {
  vf y = v_sin_reduced(x, 0);
  vi large = ~(v_abs(x) <= 1e4f);
  if (v_any(large))
    for (int i = 0; i < VL; i++)
      if (large[i]) y[i] = sinf(x[i]);
  return y;
}

static inline vf v_cos(vf x) {
  vf y = v_sin_reduced(x, 1);
  vi large = ~(v_abs(x) <= 1e4f);
  if (v_any(large))
    for (int i = 0; i < VL; i++)
      if (large[i]) y[i] = cosf(x[i]);
  return y;
}

#endif
