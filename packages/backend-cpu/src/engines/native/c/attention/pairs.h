/* Rows of bf16 packed for vdpbf16ps, in words of two: neighbours in a row, or the same place of two rows. For AVX-512 without AMX. */
#ifndef MB_ATTENTION_PAIRS_H
#define MB_ATTENTION_PAIRS_H

#include "attention/tile.h"
#include "base/command.h"
#include "simd/bf16.h"

#if defined(MB_BF16_TARGET)

/* (As an f32 an infinity beside another number would be a NaN.) */
static inline vf word_at(const float *address) {
  int32_t word;
  memcpy(&word, address, 4);
  return (vf)v_set_int(word);
}

#define ADD_PAIRS(sum, left, right) (vf)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(right), (__m512bh)(left))

TILE_PRODUCT(MB_BF16_TARGET, pair_product, word_at, ADD_PAIRS)

/* Rows as they lie, one behind another; zeros from `rows` on up to `total`. */
static inline void pack_words(float *to, const uint16_t *from, int64_t stride, int64_t rows, int64_t total, int64_t dim) {
  const int64_t words = dim / 2;
  for (int64_t r = 0; r < rows; r++) memcpy(to + r * words, from + r * stride, (size_t)words * 4);
  memset(to + rows * words, 0, (size_t)((total - rows) * words) * 4);
}

/* to[word][row] of TILE_LANES rows; those from `rows` on are 0. */
static inline void pack_words_transposed(float *to, const uint16_t *from, int64_t stride, int64_t rows, int64_t dim) {
  const int64_t words = dim / 2;
  for (int64_t first = 0; first < TILE_LANES; first += VL)
    for (int64_t word = 0; word < words; word += VL) {
      const int64_t n = MB_MIN(VL, words - word);
      vf block[VL];
      for (int64_t r = 0; r < VL; r++) {
        block[r] = v_set(0);
        if (first + r < rows) memcpy(&block[r], from + (first + r) * stride + 2 * word, (size_t)n * 4);
      }
      v_transpose(block);
      for (int64_t i = 0; i < n; i++) v_store(to + (word + i) * TILE_LANES + first, block[i]);
    }
}

/* Two rows make one of `width` words: the first in the lower halves. Zeros from `rows` on up to `total`. */
static inline void pack_pairs(float *to, int64_t width, const uint16_t *from, int64_t stride, int64_t rows, int64_t total, int64_t dim) {
  for (int64_t r = 0; r < total; r += 2, to += width)
    for (int64_t d = 0; d < width; d += VL) {
      const int64_t n = MB_MIN(VL, dim - d);
      const vu low = r < rows ? v_load_halves(from + r * stride + d, n) : (vu){0};
      const vu high = r + 1 < rows ? v_load_halves(from + (r + 1) * stride + d, n) : (vu){0};
      v_store(to + d, (vf)(low | high << 16));
    }
}

#endif
#endif
