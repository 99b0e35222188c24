/* Rows of bf16 packed for products of pairs, in words of two: neighbours in a row, or the same place of two rows. */
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

#define ADD_PAIRS(sum, left, right) MB_ADD_PAIRS(sum, right, left)

TILE_PRODUCT(MB_BF16_TARGET, pair_product, word_at, ADD_PAIRS)

/* Rounded, each of `low` beside its of `high`: a word. */
MB_BF16_TARGET MB_INLINE vf words_of(vf low, vf high) {
#if defined(__AVX512F__)
  static const uint16_t order[2 * VL] = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return (vf)_mm512_permutexvar_epi16(_mm512_loadu_si512(order), (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low));
#else
  return (vf)((vu)v_nearest_bf16(low) >> 16 | ((vu)v_nearest_bf16(high) & 0xffff0000));
#endif
}

/* Rounded, the numbers of `low` before those of `high`. */
MB_BF16_TARGET MB_INLINE vf neighbours(vf low, vf high) {
#if defined(__AVX512F__)
  return (vf)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
#else
  const v_halves parts[2] = {__builtin_convertvector((vu)v_nearest_bf16(low) >> 16, v_halves), __builtin_convertvector((vu)v_nearest_bf16(high) >> 16, v_halves)};
  vf both;
  memcpy(&both, parts, sizeof both);
  return both;
#endif
}

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
