/* bf16 in vectors of f32: the upper half of each lane. */
#ifndef MB_SIMD_BF16_H
#define MB_SIMD_BF16_H

#include "simd/simd.h"

/* An attribute of functions with vdpbf16ps, where the compiler has it; processors with AVX-512 are asked at run time. Sets with AMX go by tiles. */
#if defined(__AVX512F__) && !defined(__AMX_BF16__) && (defined(__clang__) || __GNUC__ >= 10) && !defined(MB_WITHOUT_AVX512_BF16)
#define MB_BF16_TARGET __attribute__((target("avx512bf16")))
#endif

typedef uint16_t v_halves __attribute__((vector_size(VL * 2)));

/* The nearest bf16 as f32, ties to even; NaN stays NaN, and what is too large becomes infinite. */
static inline vf v_nearest_bf16(vf x) {
  const vu bits = (vu)x;
  const vu rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000;
  return v_blend(x != x, x, (vf)rounded);
}

/* The first n numbers (VL at most) as they lie, in the lower half of each lane; zeros behind them. */
static inline vu v_load_halves(const uint16_t *from, int64_t n) {
  v_halves halves;
  if (n >= VL) {
    memcpy(&halves, from, sizeof halves);
    return __builtin_convertvector(halves, vu);
  }
  uint16_t some[VL] = {0};
  if (n > 0) memcpy(some, from, (size_t)n * 2);
  memcpy(&halves, some, sizeof halves);
  return __builtin_convertvector(halves, vu);
}

/* The upper halves of all lanes. */
static inline void v_store_upper(uint16_t *to, vf a) {
  const v_halves halves = __builtin_convertvector((vu)a >> 16, v_halves);
  memcpy(to, &halves, sizeof halves);
}

/* The first n lanes (0 ≤ n ≤ VL), rounded. A NaN keeps its quiet bit only. */
static inline void v_store_bf16(uint16_t *to, vf a, int64_t n) {
  const vf rounded = v_nearest_bf16(v_blend(a != a, v_bits_float(v_set_int(0x7fc00000)), a));
  if (n == VL) {
    v_store_upper(to, rounded);
    return;
  }
  uint16_t halves[VL];
  v_store_upper(halves, rounded);
  memcpy(to, halves, (size_t)n * 2);
}

#endif
