/* Tiles of products of bytes for mb_panel_linear, with the instructions of narrow/int8_dot.h. */
#include "narrow/int8_dot.h"
#include "narrow/panel_tile.h"

#if defined(__AMX_INT8__)
typedef int nothing_here; /* narrow/int8_amx.c is better */
#else

#define BYTES .channels = CHANNELS, .panels = PANELS, .depth = 4, .planes = 1, .whole = 1, .round = MB_FN(mb_int8_round)

#if defined(__AVX2__) && !defined(__AVX512F__)
/* Bytes as 16-bit numbers, the even ones in one plane and the odd ones in another: products of pairs are added exactly by one instruction,
 * and giving x the sign of w, which competes with it, is not needed. */
static float round_pairs(const void *x, int x_bytes, int64_t depth, int64_t padded, int32_t *words) {
  const float scale = MB_FN(mb_int8_round)(x, x_bytes, depth, padded, words);
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
#define NOTHING(w)
#define FLIP (int32_t)0x80808080
#define STEP_VNNI(sum, q, w) DOT4_UNSIGNED(sum, v_load_int(q), w)

/* Here activations are raised by 128, once, and 128 · Σ w is taken off: to raise weights in the tile costs a tenth. */
MULTIPLY(multiply_vnni, TARGET, 1, NOTHING, STEP_VNNI)

/* 128 · Σ w of up to MB_TASK_CHANNELS channels. */
TARGET static void vnni_offsets(int64_t channels, int64_t bytes, const char *weight, int32_t *offsets) {
  const int64_t words = bytes / 4;
  for (int64_t first = 0; first < channels; first += VL) {
    vi sum[VL];
    for (int i = 0; i < VL; i++) {
      const int32_t *row = (const int32_t *)weight + MB_MIN(first + i, channels - 1) * words;
      int64_t k = 0;
      sum[i] = (vi){0};
      for (; k + VL <= words; k += VL) sum[i] = DOT4_UNSIGNED(sum[i], v_set_int(0x01010101), v_load_int(row + k));
      if (k < words) sum[i] = DOT4_UNSIGNED(sum[i], v_set_int(0x01010101), v_load_int_n(row + k, words - k));
    }
    v_store_int(offsets + first, 128 * v_sums_int(sum));
  }
}

static const mb_panel_kernel kernel_vnni = {BYTES, .flip = FLIP, .offsets = vnni_offsets, .multiply = multiply_vnni};
#endif

const mb_panel_kernel *MB_FN(mb_int8_kernel)(void) {
#if defined(TARGET)
  if (has_vnni()) return &kernel_vnni;
#endif
  return &kernel_signed;
}

#endif
