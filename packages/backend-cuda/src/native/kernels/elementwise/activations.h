/* The activations and their derivatives, by the numbers of src/fused/activations.ts. */
#ifndef MB_ACTIVATIONS_H
#define MB_ACTIVATIONS_H

#include "base/convert.h"

enum mb_activation { MB_GELU, MB_GELU_TANH, MB_SILU, MB_RELU };

struct mb_activated {
  float value, slope;
};

/* activation(a) and its derivative. */
template <int Activation> static __device__ inline mb_activated activate(float a) {
  if constexpr (Activation == MB_GELU) {
    const float half = 0.5f * (1 + erff(a * 0.70710678f)); /* Φ(a); its derivative is exp(-a² / 2) / √(2π) */
    return {a * half, half + a * 0.39894228f * expf(-0.5f * a * a)};
  } else if constexpr (Activation == MB_GELU_TANH) {
    const float inner = 0.79788456f * (a + 0.044715f * a * a * a), t = tanhf(inner);
    return {0.5f * a * (1 + t), 0.5f * (1 + t) + 0.5f * a * (1 - t * t) * 0.79788456f * (1 + 0.134145f * a * a)};
  } else if constexpr (Activation == MB_SILU) {
    const float s = 1 / (1 + expf(-a));
    return {a * s, s + a * s * (1 - s)};
  } else {
    return {a > 0 ? a : 0, a > 0 ? 1.0f : 0.0f};
  }
}

#endif
