/* Tiles of products of bytes for mb_panel_linear, with the instructions of int8_dot.h. */
#include "int8_dot.h"
#include "panel_linear.h"

#if defined(__AMX_INT8__)
typedef int nothing_here; /* int8_amx.c is better */
#else

/* Panels have one plane. */
#define TILE(name, attributes, CHANNELS, PREPARE, DOT4)                                                                             \
  attributes static void name(int channels, int panels, int64_t bytes, const char *weight, const int32_t *x, int64_t plane,               \
                              int32_t *sums) {                                                                                              \
    const int64_t words = bytes / 4;                                                                                                        \
    if (panels == 3) {                                                                                                                      \
      TILE_OF(CHANNELS, 3, PREPARE, DOT4)                                                                                           \
    } else if (panels == 2) {                                                                                                               \
      TILE_OF(CHANNELS, 2, PREPARE, DOT4)                                                                                           \
    } else {                                                                                                                                \
      TILE_OF(CHANNELS, 1, PREPARE, DOT4)                                                                                           \
    }                                                                                                                                       \
  }

/* Channels beyond the last one repeat it; nobody reads their sums. */
#define TILE_OF(CHANNELS, PANELS, PREPARE, DOT4)                                \
  const int32_t *row[CHANNELS];                                                         \
  vi sum[CHANNELS][PANELS];                                                             \
  _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++) {                          \
    row[i] = (const int32_t *)weight + (i < channels ? i : channels - 1) * words;                       \
    _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) sum[i][p] = (vi){0};       \
  }                                                                                     \
  for (int64_t k = 0; k < words; k++) {                                                 \
    vi q[PANELS];                                                                       \
    __builtin_prefetch(row[0] + 2 * CHANNELS * words + CHANNELS * k, 0, 2);             \
    _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) q[p] = v_load_int(x + p * plane + k * VL); \
    _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++) {                        \
      const vi w = v_set_int(row[i][k]);                                                \
      PREPARE(w)                                                                        \
      _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) sum[i][p] = DOT4(sum[i][p], q[p], w); \
    }                                                                                   \
  }                                                                                     \
  _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++)                            \
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

#define PAIRS_OF(PANELS)                                                                                          \
  const int32_t *row[CHANNELS];                                                                                   \
  vi sum[CHANNELS][PANELS];                                                                                       \
  _Pragma("GCC unroll 4") for (int i = 0; i < CHANNELS; i++) {                                                    \
    row[i] = (const int32_t *)weight + (i < channels ? i : channels - 1) * words;                                 \
    _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) sum[i][p] = (vi){0};                                 \
  }                                                                                                               \
  for (int64_t k = 0; k < words; k++) {                                                                           \
    __builtin_prefetch(row[0] + 2 * CHANNELS * words + CHANNELS * k, 0, 2);                                       \
    _Pragma("GCC unroll 4") for (int i = 0; i < CHANNELS; i++) {                                                  \
      const __m256i w = _mm256_set1_epi32(row[i][k]);                                                             \
      const __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8), odd = _mm256_srai_epi16(w, 8);          \
      _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) {                                                  \
        const int32_t *q = x + 2 * p * plane + k * VL;                                                            \
        sum[i][p] += (vi)_mm256_madd_epi16(even, (__m256i)v_load_int(q));                                         \
        sum[i][p] += (vi)_mm256_madd_epi16(odd, (__m256i)v_load_int(q + plane));                                  \
      }                                                                                                           \
    }                                                                                                             \
  }                                                                                                               \
  for (int i = 0; i < CHANNELS; i++)                                                                              \
    for (int p = 0; p < PANELS; p++) v_store_int(sums + (i * PANELS + p) * VL, sum[i][p]);

static void tile_pairs(int channels, int panels, int64_t bytes, const char *weight, const int32_t *x, int64_t plane, int32_t *sums) {
  const int64_t words = bytes / 4;
  if (panels == 3) {
    PAIRS_OF(3)
  } else if (panels == 2) {
    PAIRS_OF(2)
  } else {
    PAIRS_OF(1)
  }
}
static const mb_panel_kernel kernel_signed = {.channels = CHANNELS, .panels = 3, .depth = 4, .planes = 2, .whole = 1, .round = round_pairs, .tile = tile_pairs};
#else
TILE(tile_signed, , CHANNELS, PREPARE_SIGNED, DOT4_SIGNED)
static const mb_panel_kernel kernel_signed = {BYTES, .tile = tile_signed};
#endif

#if defined(TARGET)
TILE(tile_vnni, TARGET, CHANNELS, NOTHING, DOT4_VNNI)
static const mb_panel_kernel kernel_vnni = {BYTES, .flip = FLIP, .offsets = vnni_offsets, .tile = tile_vnni};
#endif

const mb_panel_kernel *MB_FN(mb_int8_kernel)(void) {
#if defined(TARGET)
  if (has_vnni()) return &kernel_vnni;
#endif
  return &kernel_signed;
}

#endif
