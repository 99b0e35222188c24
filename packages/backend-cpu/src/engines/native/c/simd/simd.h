/* SIMD in GCC/clang vector extensions: one source, compiled per instruction set with its own vector length.
 *
 * vf holds VL floats, vi VL int32 (comparisons of vf give vi masks of 0 / -1). Arithmetic is written with operators; a*b+c contracts
 * to FMA where the ISA has it. Function names are those of the `c` texts in tensor-core's scalar table. */
#ifndef MB_SIMD_H
#define MB_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define VL 16
#elif defined(__AVX2__)
#define VL 8
#else
#define VL 4
#endif
#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef uint32_t vu __attribute__((vector_size(VL * 4)));
typedef float vf_unaligned __attribute__((vector_size(VL * 4), aligned(4), may_alias));
typedef int32_t vi_unaligned __attribute__((vector_size(VL * 4), aligned(4), may_alias));

static inline vf v_load(const float *p) { return *(const vf_unaligned *)p; }
static inline void v_store(float *p, vf a) { *(vf_unaligned *)p = a; }
static inline vi v_load_int(const int32_t *p) { return *(const vi_unaligned *)p; }
static inline void v_store_int(int32_t *p, vi a) { *(vi_unaligned *)p = a; }
static inline vf v_set(float a) { return a - (vf){0}; }
static inline vi v_set_int(int32_t a) { return a - (vi){0}; }

static inline vf v_bits_float(vi a) { return (vf)a; }
static inline vi v_bits_int(vf a) { return (vi)a; }

/* `a` rounded to f32: keeps a product from being contracted into an FMA where two computations of it must agree to the last bit. */
static inline vf v_rounded(vf a) {
#if defined(__x86_64__)
  __asm__("" : "+v"(a));
#elif defined(__aarch64__)
  __asm__("" : "+w"(a));
#else
  __asm__("" : "+m"(a));
#endif
  return a;
}

/* 0, 1, … VL-1 */
static inline vi v_lanes(void) {
#if VL == 16
  return (vi){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif VL == 8
  return (vi){0, 1, 2, 3, 4, 5, 6, 7};
#else
  return (vi){0, 1, 2, 3};
#endif
}

/* The first n lanes (0 ≤ n ≤ VL); loading gives 0 in the others, storing leaves memory beyond untouched. */
static inline vf v_load_n(const float *p, int64_t n) {
#if defined(__AVX512F__)
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif defined(__AVX2__)
  return (vf)_mm256_maskload_ps(p, (__m256i)(v_lanes() < (int32_t)n));
#else
  vf a = {0};
  memcpy(&a, p, (size_t)n * 4);
  return a;
#endif
}

static inline vi v_load_int_n(const int32_t *p, int64_t n) {
#if defined(__AVX2__)
  return (vi)v_load_n((const float *)p, n);
#else
  vi a = {0};
  memcpy(&a, p, (size_t)n * 4);
  return a;
#endif
}

static inline void v_store_n(float *p, vf a, int64_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)a);
#elif defined(__AVX2__) /* masked stores are slow on AMD */
  __m128 half = _mm256_castps256_ps128((__m256)a);
  if (n == VL) v_store(p, a);
  else {
    if (n & 4) {
      _mm_storeu_ps(p, half);
      half = _mm256_extractf128_ps((__m256)a, 1);
      p += 4;
    }
    if (n & 2) {
      _mm_storel_pi((__m64 *)p, half);
      half = _mm_movehl_ps(half, half);
      p += 2;
    }
    if (n & 1) _mm_store_ss(p, half);
  }
#else
  memcpy(p, &a, (size_t)n * 4);
#endif
}

/* Lanes of a where the mask is -1, of b where it is 0. */
static inline vf v_blend(vi mask, vf a, vf b) {
#if defined(__AVX512F__)
  return (vf)_mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)mask), (__m512)b, (__m512)a);
#elif defined(__AVX2__)
  return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)mask);
#else
  return (vf)((mask & (vi)a) | (~mask & (vi)b));
#endif
}

/* Lanes of a where x is NaN, else of b. In AVX-512 the mask of a comparison costs nothing as long as it stays one. */
static inline vf v_blend_nan(vf x, vf a, vf b) {
#if defined(__AVX512F__)
  return (vf)_mm512_mask_blend_ps(_mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q), (__m512)b, (__m512)a);
#else
  return v_blend(x != x, a, b);
#endif
}

static inline int v_any(vi mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)mask) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps((__m256)mask) != 0;
#else
  return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
#endif
}

/* a > b ? a : b and a < b ? a : b: one instruction; the second operand where either is NaN. */
static inline vf v_greater_of(vf a, vf b) {
#if defined(__AVX512F__)
  return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return v_blend(a > b, a, b);
#endif
}

static inline vf v_lesser_of(vf a, vf b) {
#if defined(__AVX512F__)
  return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return v_blend(a < b, a, b);
#endif
}

/* The maximum and minimum; NaN where either is NaN. */
static inline vf v_max(vf a, vf b) { return v_blend_nan(a, a, v_greater_of(a, b)); }
static inline vf v_min(vf a, vf b) { return v_blend_nan(a, a, v_lesser_of(a, b)); }

static inline vf v_sqrt(vf a) {
#if defined(__AVX512F__)
  return (vf)_mm512_sqrt_ps((__m512)a);
#elif defined(__AVX2__)
  return (vf)_mm256_sqrt_ps((__m256)a);
#elif defined(__SSE2__)
  return (vf)_mm_sqrt_ps((__m128)a);
#elif defined(__aarch64__)
  return (vf)vsqrtq_f32((float32x4_t)a);
#else
  for (int i = 0; i < VL; i++) a[i] = __builtin_sqrtf(a[i]);
  return a;
#endif
}

static inline vf v_abs(vf a) { return (vf)((vi)a & 0x7fffffff); }

/* Truth as 1.0 and 0.0. */
static inline vf v_truth(vi mask) { return (vf)(mask & 0x3f800000); }
static inline vf v_less(vf a, vf b) { return v_truth(a < b); }
static inline vf v_less_equal(vf a, vf b) { return v_truth(a <= b); }
static inline vf v_equal(vf a, vf b) { return v_truth(a == b); }
static inline vf v_isfinite(vf a) { return v_truth(((vi)a & 0x7fffffff) < 0x7f800000); }

/* a where the condition is not 0 (NaN counts as not 0), else b. */
static inline vf v_select(vf condition, vf a, vf b) { return v_blend(condition != 0.0f, a, b); }

/* Over the lanes, in an order that depends on VL only. */
static inline float v_sum(vf a) {
  float lane[VL];
  v_store(lane, a);
  for (int half = VL / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lane[i] += lane[i + half];
  return lane[0];
}

static inline double v_sum_double(vf a) {
  double sum = 0;
  for (int i = 0; i < VL; i++) sum += a[i];
  return sum;
}

/* The largest lane that is not NaN. */
static inline float v_largest(vf a) {
  float largest = a[0];
  for (int i = 1; i < VL; i++) largest = a[i] > largest || largest != largest ? a[i] : largest;
  return largest;
}

#include "simd/math.h"

#endif
