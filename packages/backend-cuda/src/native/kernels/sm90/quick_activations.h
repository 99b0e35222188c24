/* The activations for results that are rounded to bf16, at a third of the instructions: what is beside a product must be short. Off by at most
 * 2e-7 · max(1, |a|) where the approximations of erf, exponential and reciprocal add up. */
#ifndef MB_SM90_QUICK_ACTIVATIONS_H
#define MB_SM90_QUICK_ACTIVATIONS_H

#include "kernels/elementwise/activations.h"
#include "simt/hopper.h"

#ifdef MB_HOPPER

MB_DEVICE float quick_exp2(float a) {
#ifdef __CUDACC__
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(a));
  return result;
#else
  return exp2f(a);
#endif
}

MB_DEVICE float quick_reciprocal(float a) {
#ifdef __CUDACC__
  float result;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(a));
  return result;
#else
  return 1 / a;
#endif
}

/* 1 / (1 + exp(-a)). */
MB_DEVICE float quick_sigmoid(float a) { return quick_reciprocal(1 + quick_exp2(a * -1.44269504f)); }

template <int Activation> MB_DEVICE mb_activated quick_activate(float a) {
  if constexpr (Activation == MB_GELU) {
    /* Φ(-|a|) = exp(-a² / 2) p(t) / 2, Abramowitz and Stegun 7.1.26. */
    const float t = quick_reciprocal(1 + 0.23164189f * fabsf(a)), bell = quick_exp2(a * a * -0.72134752f);
    const float tail = t * (0.127414796f + t * (-0.142248368f + t * (0.710706871f + t * (-0.726576014f + t * 0.530702715f)))) * bell;
    const float half = a < 0 ? tail : 1 - tail;
    return {a * half, half + a * 0.39894228f * bell};
  } else if constexpr (Activation == MB_GELU_TANH) {
    const float square = a * a, s = quick_sigmoid(a * (1.59576912f + 0.0713548163f * square)); /* (1 + tanh u) / 2 is the sigmoid of 2u */
    return {a * s, s + a * s * (1 - s) * (1.59576912f + 0.214064449f * square)};
  } else if constexpr (Activation == MB_SILU) {
    const float s = quick_sigmoid(a);
    return {a * s, s + a * s * (1 - s)};
  } else {
    return {a > 0 ? a : 0, a > 0 ? 1.0f : 0.0f};
  }
}

#endif

#endif
