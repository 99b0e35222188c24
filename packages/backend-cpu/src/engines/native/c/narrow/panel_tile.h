/* The micro-kernel of mb_panel_linear on vectors: a tile of CHANNELS × PANELS sums in registers, whatever numbers a word holds. */
#ifndef MB_PANEL_TILE_H
#define MB_PANEL_TILE_H

#include "narrow/panel_linear.h"

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

/* A word of weights, which may begin between two words of memory. */
static inline int32_t word_of(const char *row, int64_t k) {
  int32_t word;
  memcpy(&word, row + 4 * k, 4);
  return word;
}

/* STEP(sum, q, w) adds to `sum` what the words of the panel at q and the word w of a channel give. */
#define MULTIPLY(name, attributes, PLANES, PREPARE, STEP)                                                                   \
  attributes static void name(int channels, int panels, int64_t bytes, const char *weight, int64_t ahead, const int32_t *x, \
                              int64_t plane, int32_t *sums) {                                                               \
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
  const char *row[CHANNELS];                                                                                                    \
  vi sum[CHANNELS][PANELS];                                                                                                     \
  _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++) {                                                                  \
    row[i] = weight + (i < channels ? i : channels - 1) * bytes;                                                                \
    _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) sum[i][p] = (vi){0};                                               \
  }                                                                                                                             \
  for (int64_t k = 0; k < words; k++) {                                                                                         \
    __builtin_prefetch(weight + ahead + 4 * CHANNELS * k, 0, 2);                                                                \
    _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++) {                                                                \
      const vi w = v_set_int(word_of(row[i], k));                                                                               \
      PREPARE(w)                                                                                                                \
      _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) sum[i][p] = STEP(sum[i][p], x + p * PLANES * plane + k * VL, w); \
    }                                                                                                                           \
  }                                                                                                                             \
  _Pragma("GCC unroll 8") for (int i = 0; i < CHANNELS; i++)                                                                    \
    _Pragma("GCC unroll 3") for (int p = 0; p < PANELS; p++) v_store_int(sums + (i * PANELS + p) * VL, sum[i][p]);

#endif
