/* Attention's backward with all five products in bf16, summed in f32 by vdpbf16ps: of what comes in as it is, of probabilities and their
 * gradients rounded to bf16. For AVX-512 without AMX; processors are asked at run time. */
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

/* Rounded, the numbers of `low` before those of `high`. */
TASK_TARGET MB_INLINE vf neighbours(vf low, vf high) { return (vf)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low); }

/* Rounded, each of `low` beside its of `high`: a word. */
TASK_TARGET MB_INLINE vf words_of(vf low, vf high) {
  static const uint16_t order[2 * VL] = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return (vf)_mm512_permutexvar_epi16(_mm512_loadu_si512(order), (__m512i)neighbours(low, high));
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
