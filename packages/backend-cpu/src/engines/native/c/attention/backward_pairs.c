/* Attention's backward with all five products in bf16, summed in f32: of what comes in as it is, of probabilities and their gradients
 * rounded to bf16. */
#include "attention/backward.h"
#include "attention/pairs.h"
#include "narrow/panel_linear.h"

#if defined(MB_BF16_TARGET)

typedef uint16_t number;

#define ROWS_IN_WORD 2
#define WORDS(dim) ((dim) / 2)
#define ROW_WORDS(shape) WORDS((shape)->dim)
#define TASK_TARGET MB_BF16_TARGET
#define product pair_product
#define scaled(score, scale) ((score) * (float)((scale) * LOG2_E))
#define pack_row_words pack_pairs
#define pack_panel(to, from, stride, rows, dim, scale) pack_words_transposed(to, from, stride, rows, dim)
#define put_numbers v_store_bf16

static inline void pack_both(float *to, float *pairs, int64_t width, const uint16_t *from, int64_t stride, int64_t rows, int64_t dim) {
  pack_words(to, from, stride, rows, ROWS, dim);
  pack_pairs(pairs, width, from, stride, rows, ROWS, dim);
}

TASK_TARGET MB_INLINE void put_tile(int rows, const backward_state *state, int64_t r, int64_t key, vf probabilities[TILE_LINES][TILE_VECTORS],
                                    vf grad_scores[TILE_LINES][TILE_VECTORS]) {
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) v_store(state->grad_scores_by_key + ((r + i) * KEY_BLOCK + key) / 2, neighbours(grad_scores[i][0], grad_scores[i][1]));
#pragma GCC unroll 4
  for (int i = 0; i < rows; i += 2)
#pragma GCC unroll 2
    for (int v = 0; v < TILE_VECTORS; v++) {
      const int64_t at = (r + i) / 2 * KEY_BLOCK + key + v * VL;
      v_store(state->probabilities + at, words_of(probabilities[i][v], probabilities[i + 1][v]));
      v_store(state->grad_scores + at, words_of(grad_scores[i][v], grad_scores[i + 1][v]));
    }
}

#include "attention/backward_task.h"

mb_body MB_FN(mb_attention_backward_pairs)(int32_t dtype, int64_t dim) {
  return dtype == MB_BF16 && dim % 2 == 0 && MB_FN(mb_bf16_kernel)(2, 2) ? backward_task : NULL;
}

#else

mb_body MB_FN(mb_attention_backward_pairs)(int32_t dtype, int64_t dim) {
  (void)dtype, (void)dim;
  return NULL;
}

#endif
