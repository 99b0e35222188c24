/* Sums of products of bytes with the instructions that a machine has: `DOT4(sum, q, w)` says how four products are added to each lane
 * of a sum, PREPARE(w) what it wants of w beforehand.
 *
 *   VNNI      one instruction, unsigned times signed: one side is raised by 128, and 128 times the sum of the other taken off at the end; for few
 *             rows the weights, so that nothing but the products passes over them
 *   AVX2, BW  |w| · (q with the sign of w), unsigned times signed into 16 bits: 2 · 128 · 127 < 2^15, so pairs never saturate
 *   NEON      16-bit products, added in pairs, for the same reason
 *   others    shifts and multiplications of 32 bits */
#ifndef MB_INT8_DOT_H
#define MB_INT8_DOT_H

#include "narrow/panel_linear.h"
#include "simd/transpose.h"

#if defined(__AVX2__)
#include <cpuid.h>
#include <stdatomic.h>
#endif

#if defined(__AVX512F__)
#define TARGET __attribute__((target("avx512vnni")))
#define DOT4_UNSIGNED(sum, u, q) (vi)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(u), (__m512i)(q))
#define PREPARE_SIGNED(w)                                \
  const __m512i magnitude = _mm512_abs_epi8((__m512i)w); \
  const __mmask64 negative = _mm512_movepi8_mask((__m512i)w);
#define DOT4_SIGNED(sum, q, w)                                                                                                  \
  (sum + (vi)_mm512_madd_epi16(_mm512_maddubs_epi16(magnitude, _mm512_mask_sub_epi8((__m512i)q, negative, _mm512_setzero_si512(), (__m512i)q)), \
                               _mm512_set1_epi16(1)))
#elif defined(__AVX2__)
#define TARGET __attribute__((target("avxvnni")))
#define DOT4_UNSIGNED(sum, u, q) (vi)_mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(u), (__m256i)(q))
#define PREPARE_SIGNED(w) const __m256i magnitude = _mm256_abs_epi8((__m256i)w);
#define DOT4_SIGNED(sum, q, w) \
  (sum + (vi)_mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, _mm256_sign_epi8((__m256i)q, (__m256i)w)), _mm256_set1_epi16(1)))
#elif defined(__aarch64__)
#define PREPARE_SIGNED(w) const int8x16_t weights = (int8x16_t)w;
#define DOT4_SIGNED(sum, q, w)                                                                                            \
  (vi) vpadalq_s16((int32x4_t)sum, vpaddq_s16(vmull_s8(vget_low_s8((int8x16_t)q), vget_low_s8(weights)), vmull_high_s8((int8x16_t)q, weights)))
#else
#define PREPARE_SIGNED(w)
#define BYTE(a, i) ((a) << (24 - 8 * (i)) >> 24)
#define DOT4_SIGNED(sum, q, w) (sum + BYTE(q, 0) * BYTE(w, 0) + BYTE(q, 1) * BYTE(w, 1) + BYTE(q, 2) * BYTE(w, 2) + BYTE(q, 3) * BYTE(w, 3))
#endif

#if defined(TARGET)
#define PREPARE_VNNI(w) const vi raised = (w) ^ (int32_t)0x80808080;
#define DOT4_VNNI(sum, q, w) DOT4_UNSIGNED(sum, raised, q)

/* 128 · Σ q of a row, what VNNI's weights add to each of its sums; `words` is a multiple of VL. */
TARGET static inline int32_t vnni_excess(const int32_t *row, int64_t words) {
  vi sum = {0};
  for (int64_t k = 0; k < words; k += VL) sum = DOT4_UNSIGNED(sum, v_set_int(0x01010101), v_load_int(row + k));
  int32_t total = 0;
  for (int i = 0; i < VL; i++) total += sum[i];
  return 128 * total;
}

static inline int has_vnni(void) {
#if defined(MB_WITHOUT_VNNI)
  return 0;
#elif defined(__AVX512F__)
  return __builtin_cpu_supports("avx512vnni");
#else
  /* Asked once: in a virtual machine CPUID takes microseconds, and this is called for each layer. 0: not yet; else 1 + the answer. */
  static atomic_int known;
  int answer = atomic_load_explicit(&known, memory_order_relaxed);
  if (answer == 0) {
    unsigned a, b, c, d;
    answer = 1 + (__get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1 << 4));
    atomic_store_explicit(&known, answer, memory_order_relaxed);
  }
  return answer - 1;
#endif
}
#endif

#endif
