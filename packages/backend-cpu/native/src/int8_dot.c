/* Sums of products of bytes with the instructions that a machine has. One macro makes the tile, `DOT4(sum, x, w)` says how four products
 * are added to each lane of a sum:
 *
 *   VNNI      one instruction, unsigned times signed: activations come as q + 128, and 128 · Σ w is taken off at the end
 *   AVX2, BW  |w| · (q with the sign of w), unsigned times signed into 16 bits: 2 · 127 · 127 < 2^15, so pairs never saturate
 *   NEON      16-bit products, added in pairs, for the same reason
 *   others    shifts and multiplications of 32 bits */
#include "panel_linear.h"

#if defined(__AMX_INT8__)
typedef int nothing_here; /* int8_amx.c is better */
#else

#if defined(__AVX2__)
#include <cpuid.h>
#endif

#define TILE(name, attributes, CHANNELS, PREPARE, DOT4, FINISH)                                                                             \
  attributes static void name(int channels, int panels, int64_t bytes, const char *weight, const int32_t *x, int64_t panel,               \
                              int32_t *sums) {                                                                                              \
    const int64_t words = bytes / 4;                                                                                                        \
    if (panels == 3) {                                                                                                                      \
      TILE_OF(CHANNELS, 3, PREPARE, DOT4, FINISH)                                                                                           \
    } else if (panels == 2) {                                                                                                               \
      TILE_OF(CHANNELS, 2, PREPARE, DOT4, FINISH)                                                                                           \
    } else {                                                                                                                                \
      TILE_OF(CHANNELS, 1, PREPARE, DOT4, FINISH)                                                                                           \
    }                                                                                                                                       \
  }

/* Channels beyond the last one repeat it; nobody reads their sums. */
#define TILE_OF(CHANNELS, PANELS, PREPARE, DOT4, FINISH)                                \
  const int32_t *row[CHANNELS];                                                         \
  vi sum[CHANNELS][PANELS];                                                             \
  _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++) {                          \
    row[i] = (const int32_t *)weight + (i < channels ? i : channels - 1) * words;                       \
    _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) sum[i][p] = (vi){0};       \
  }                                                                                     \
  for (int64_t k = 0; k < words; k++) {                                                 \
    vi q[PANELS];                                                                       \
    _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) q[p] = v_load_int(x + p * panel + k * VL); \
    _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++) {                        \
      const vi w = v_set_int(row[i][k]);                                                \
      PREPARE(w)                                                                        \
      _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) sum[i][p] = DOT4(sum[i][p], q[p], w); \
    }                                                                                   \
  }                                                                                     \
  _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++) {                          \
    const vi offset = FINISH(row[i], words);                                            \
    _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) v_store_int(sums + (i * PANELS + p) * VL, sum[i][p] - offset); \
  }

#define NOTHING(w)
#define NO_OFFSET(row, words) (vi){0}

#if defined(__AVX512F__)
#define TARGET __attribute__((target("avx512vnni")))
#define DOT4_VNNI(sum, q, w) (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)q, (__m512i)w)
#define CHANNELS 8
#define PANELS 3
#define PREPARE_SIGNED(w)                                \
  const __m512i magnitude = _mm512_abs_epi8((__m512i)w); \
  const __mmask64 negative = _mm512_movepi8_mask((__m512i)w);
#define DOT4_SIGNED(sum, q, w)                                                                                                  \
  (sum + (vi)_mm512_madd_epi16(_mm512_maddubs_epi16(magnitude, _mm512_mask_sub_epi8((__m512i)q, negative, _mm512_setzero_si512(), (__m512i)q)), \
                               _mm512_set1_epi16(1)))
#elif defined(__AVX2__)
#define TARGET __attribute__((target("avxvnni")))
#define DOT4_VNNI(sum, q, w) (vi)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)q, (__m256i)w)
#define CHANNELS 4
#define PANELS 2
#define PREPARE_SIGNED(w) const __m256i magnitude = _mm256_abs_epi8((__m256i)w);
#define DOT4_SIGNED(sum, q, w) \
  (sum + (vi)_mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, _mm256_sign_epi8((__m256i)q, (__m256i)w)), _mm256_set1_epi16(1)))
#elif defined(__aarch64__)
#define CHANNELS 8
#define PANELS 2
#define PREPARE_SIGNED(w) const int8x16_t weights = (int8x16_t)w;
#define DOT4_SIGNED(sum, q, w)                                                                                            \
  (vi) vpadalq_s16((int32x4_t)sum, vpaddq_s16(vmull_s8(vget_low_s8((int8x16_t)q), vget_low_s8(weights)), vmull_high_s8((int8x16_t)q, weights)))
#else
#define CHANNELS 4
#define PANELS 1
#define PREPARE_SIGNED(w)
#define BYTE(a, i) ((a) << (24 - 8 * (i)) >> 24)
#define DOT4_SIGNED(sum, q, w) (sum + BYTE(q, 0) * BYTE(w, 0) + BYTE(q, 1) * BYTE(w, 1) + BYTE(q, 2) * BYTE(w, 2) + BYTE(q, 3) * BYTE(w, 3))
#endif

#define BYTES .channels = CHANNELS, .panels = PANELS, .depth = 4, .planes = 1, .whole = 1, .round = MB_FN(mb_int8_round)

TILE(tile_signed, , CHANNELS, PREPARE_SIGNED, DOT4_SIGNED, NO_OFFSET)
static const mb_panel_kernel kernel_signed = {BYTES, .tile = tile_signed};

#if defined(TARGET)
/* 128 · Σ w in every lane. */
TARGET static inline vi offset_of(const int32_t *row, int64_t words) {
  vi sum = {0};
  int64_t k = 0;
  const vi ones = v_set_int(0x01010101);
  for (; k + VL <= words; k += VL) sum = DOT4_VNNI(sum, ones, v_load_int(row + k));
  vi last = {0};
  memcpy(&last, row + k, (size_t)(words - k) * 4);
  sum = DOT4_VNNI(sum, ones, last);
  int32_t total = 0;
  for (int i = 0; i < VL; i++) total += sum[i];
  return v_set_int(128 * total);
}

TILE(tile_vnni, TARGET, CHANNELS, NOTHING, DOT4_VNNI, offset_of)
static const mb_panel_kernel kernel_vnni = {BYTES, .flip = (int32_t)0x80808080, .tile = tile_vnni};

static int has_vnni(void) {
#if defined(MB_WITHOUT_VNNI)
  return 0;
#elif defined(__AVX512F__)
  return __builtin_cpu_supports("avx512vnni");
#else
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1 << 4);
#endif
}
#endif

const mb_panel_kernel *MB_FN(mb_int8_kernel)(void) {
#if defined(TARGET)
  if (has_vnni()) return &kernel_vnni;
#endif
  return &kernel_signed;
}

#endif
