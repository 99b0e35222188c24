/* Attention's forward with both products in bf16, summed in f32: of queries and keys as they are, of probabilities rounded to bf16.
 * Softmax and its sums are f32. */
#include "attention/attention.h"
#include "attention/pairs.h"
#include "narrow/panel_linear.h"

#if defined(MB_BF16_TARGET)

#define KEYS_IN_WORD 2
#define WORDS(dim) ((dim) / 2)
#define TASK_TARGET MB_BF16_TARGET
#define scaled(score, scale) ((score) * (float)((scale) * LOG2_E))

#define product pair_product

static inline const uint16_t *row_at(const attention_forward_call *c, int64_t at) { return (const uint16_t *)c->qkv + at; }

static inline void pack_queries(const attention_forward_call *c, int64_t at, int64_t rows, float *to, float *wide) {
  (void)wide;
  pack_words_transposed(to, row_at(c, at), c->shape.row, rows, c->shape.dim);
}

static inline void pack_keys(const attention_forward_call *c, int64_t at, int64_t count, float *to, float *wide) {
  (void)wide;
  pack_words(to, row_at(c, at), c->shape.row, count, round_up(count, 4), c->shape.dim);
}

static inline void pack_values(const attention_forward_call *c, int64_t at, int64_t count, float *to, float *wide) {
  (void)wide;
  pack_pairs(to, c->shape.width, row_at(c, at), c->shape.row, count, round_up(count, 4), c->shape.dim);
}

TASK_TARGET static inline void pack_probabilities(float *scores, int64_t count) {
  for (int64_t row = 0; row < count; row += 2)
    for (int64_t lane = 0; lane < TILE_LANES; lane += VL) {
      const float *low = scores + row * TILE_LANES + lane;
      v_store(scores + row / 2 * TILE_LANES + lane, words_of(v_load(low), v_load(low + TILE_LANES)));
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
