/* Tiles of products of bytes for mb_panel_linear, with the instructions of narrow/int8_dot.h. */
#include "narrow/int8_dot.h"
#include "narrow/panel_linear.h"

#if defined(__AMX_INT8__)
typedef int nothing_here; /* narrow/int8_amx.c is better */
#else

/* STEP(sum, q, w) adds to `sum` what the words of the panel at q and the word w of a channel give. */
#define MULTIPLY(name, attributes, PLANES, PREPARE, STEP)                                                                   \
  attributes static void name(int channels, int panels, int64_t bytes, const char *weight, const int32_t *x, int64_t plane, \
                              int32_t *sums) {                                                                              \
    const int64_t words = bytes / 4;                                                                                        \
    if (panels == 3) {                                                                                                      \
      MULTIPLY_PANELS(3, PLANES, PREPARE, STEP)                                                                             \
    } else if (panels == 2) {                                                                                               \
      MULTIPLY_PANELS(2, PLANES, PREPARE, STEP)                                                                             \
    } else {                                                                                                                \
      MULTIPLY_PANELS(1, PLANES, PREPARE, STEP)                                                                             \
    }                                                                                                                       \
  }

/* Channels beyond the last one repeat it; nobody reads their sums. */
#define MULTIPLY_PANELS(PANELS, PLANES, PREPARE, STEP)                                                                          \
  const int32_t *row[CHANNELS];                                                                                                 \
  vi sum[CHANNELS][PANELS];                                                                                                     \
  _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++) {                                                                  \
    row[i] = (const int32_t *)weight + (i < channels ? i : channels - 1) * words;                                               \
    _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) sum[i][p] = (vi){0};                                               \
  }                                                                                                                             \
  for (int64_t k = 0; k < words; k++) {                                                                                         \
    __builtin_prefetch(row[0] + 2 * CHANNELS * words + CHANNELS * k, 0, 2);                                                     \
    _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++) {                                                                \
      const vi w = v_set_int(row[i][k]);                                                                                        \
      PREPARE(w)                                                                                                                \
      _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) sum[i][p] = STEP(sum[i][p], x + p * PLANES * plane + k * VL, w); \
    }                                                                                                                           \
  }                                                                                                                             \
  _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++)                                                                    \
    _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) v_store_int(sums + (i * PANELS + p) * VL, sum[i][p]);

#if defined(__AVX512F__)
#define CHANNELS 8
#define PANELS 3
#elif defined(__aarch64__)
#define CHANNELS 8
#define PANELS 2
#elif defined(__AVX2__)
#define CHANNELS 4
#define PANELS 2
#else
#define CHANNELS 4
#define PANELS 1
#endif

#define BYTES .channels = CHANNELS, .panels = PANELS, .depth = 4, .planes = 1, .whole = 1, .round = MB_FN(mb_int8_round)

#if defined(__AVX2__) && !defined(__AVX512F__)
/* Bytes as 16-bit numbers, the even ones in one plane and the odd ones in another: products of pairs are added exactly by one instruction,
 * and giving x the sign of w, which competes with it, is not needed. */
static float round_pairs(const float *x, int64_t depth, int64_t padded, int32_t *words) {
  const float scale = MB_FN(mb_int8_round)(x, depth, padded, words);
  for (int64_t k = 0; k < padded; k += VL) {
    const __m256i bytes = (__m256i)v_load_int(words + k);
    v_store_int(words + k, (vi)_mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8));
    v_store_int(words + padded + k, (vi)_mm256_srai_epi16(bytes, 8));
  }
  return scale;
}

#define PREPARE_PAIRS(w) \
  const __m256i even = _mm256_srai_epi16(_mm256_slli_epi16((__m256i)w, 8), 8), odd = _mm256_srai_epi16((__m256i)w, 8);
#define STEP_PAIRS(sum, q, w) \
  (sum + (vi)_mm256_madd_epi16(even, (__m256i)v_load_int(q)) + (vi)_mm256_madd_epi16(odd, (__m256i)v_load_int((q) + plane)))

MULTIPLY(multiply_pairs, , 2, PREPARE_PAIRS, STEP_PAIRS)
static const mb_panel_kernel kernel_signed = {.channels = CHANNELS, .panels = 3, .depth = 4, .planes = 2, .whole = 1, .round = round_pairs, .multiply = multiply_pairs};
#else
#define STEP_SIGNED(sum, q, w) DOT4_SIGNED(sum, v_load_int(q), w)

MULTIPLY(multiply_signed, , 1, PREPARE_SIGNED, STEP_SIGNED)
static const mb_panel_kernel kernel_signed = {BYTES, .multiply = multiply_signed};
#endif

#if defined(TARGET)
#define STEP_VNNI(sum, q, w) DOT4_VNNI(sum, v_load_int(q), w)

MULTIPLY(multiply_vnni, TARGET, 1, NOTHING, STEP_VNNI)
static const mb_panel_kernel kernel_vnni = {BYTES, .flip = FLIP, .offsets = vnni_offsets, .multiply = multiply_vnni};
#endif

const mb_panel_kernel *MB_FN(mb_int8_kernel)(void) {
#if defined(TARGET)
  if (has_vnni()) return &kernel_vnni;
#endif
  return &kernel_signed;
}

#endif
