/* Attention's forward with both products in bf16, summed in f32 by vdpbf16ps: of queries and keys as they are, of probabilities rounded to bf16.
 * Softmax and its sums are f32. For AVX-512 without AMX; processors are asked at run time. */
#include "attention/attention.h"
#include "narrow/panel_linear.h"
#include "simd/bf16.h"

#if defined(MB_BF16_TARGET)

#define KEYS_IN_WORD 2
#define WORDS(dim) ((dim) / 2)
#define TASK_TARGET MB_BF16_TARGET
#define scaled(score, scale) ((score) * (float)((scale) * LOG2_E))

/* (As an f32 an infinity beside another number would be a NaN.) */
static inline vf word_at(const float *address) {
  int32_t word;
  memcpy(&word, address, 4);
  return (vf)v_set_int(word);
}

#define ADD_PAIRS(sum, left, right) (vf)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(right), (__m512bh)(left))

TILE_PRODUCT(TASK_TARGET, product, word_at, ADD_PAIRS)

static inline const uint16_t *row_at(const attention_forward_call *c, int64_t at) { return (const uint16_t *)c->qkv + at; }

static inline void pack_queries(const attention_forward_call *c, int64_t at, int64_t rows, float *to, float *wide) {
  (void)wide;
  const int64_t words = c->shape.dim / 2;
  for (int64_t first = 0; first < TILE_LANES; first += VL)
    for (int64_t word = 0; word < words; word += VL) {
      const int64_t n = MB_MIN(VL, words - word);
      vf block[VL];
      for (int64_t r = 0; r < VL; r++) {
        block[r] = v_set(0);
        if (first + r < rows) memcpy(&block[r], row_at(c, at + (first + r) * c->shape.row) + 2 * word, (size_t)n * 4);
      }
      v_transpose(block);
      for (int64_t i = 0; i < n; i++) v_store(to + (word + i) * TILE_LANES + first, block[i]);
    }
}

static inline void pack_keys(const attention_forward_call *c, int64_t at, int64_t count, float *to, float *wide) {
  (void)wide;
  const int64_t words = c->shape.dim / 2, all = round_up(count, 4);
  for (int64_t r = 0; r < count; r++) memcpy(to + r * words, row_at(c, at + r * c->shape.row), (size_t)words * 4);
  memset(to + count * words, 0, (size_t)((all - count) * words) * 4);
}

/* Two rows make one: the first in the lower halves. */
static inline void pack_values(const attention_forward_call *c, int64_t at, int64_t count, float *to, float *wide) {
  (void)wide;
  const int64_t dim = c->shape.dim, width = c->shape.width, all = round_up(count, 4);
  for (int64_t r = 0; r < all; r += 2, to += width)
    for (int64_t d = 0; d < width; d += VL) {
      const int64_t n = MB_MIN(VL, dim - d);
      const vu low = r < count ? v_load_halves(row_at(c, at + r * c->shape.row) + d, n) : (vu){0};
      const vu high = r + 1 < count ? v_load_halves(row_at(c, at + (r + 1) * c->shape.row) + d, n) : (vu){0};
      v_store(to + d, (vf)(low | high << 16));
    }
}

static inline void pack_probabilities(float *scores, int64_t count) {
  for (int64_t row = 0; row < count; row += 2)
    for (int64_t lane = 0; lane < TILE_LANES; lane += VL) {
      const vu low = (vu)v_nearest_bf16(v_load(scores + row * TILE_LANES + lane));
      const vu high = (vu)v_nearest_bf16(v_load(scores + (row + 1) * TILE_LANES + lane));
      v_store(scores + row / 2 * TILE_LANES + lane, (vf)(low >> 16 | (high & 0xffff0000)));
    }
}

#include "attention/forward_task.h"

mb_body MB_FN(mb_attention_pairs_task)(const attention_forward_call *call) {
  return call->dtype == MB_BF16 && call->shape.dim % 2 == 0 && MB_FN(mb_bf16_kernel)(2, 2) ? forward_task : NULL;
}

#else

mb_body MB_FN(mb_attention_pairs_task)(const attention_forward_call *call) {
  (void)call;
  return NULL;
}

#endif
