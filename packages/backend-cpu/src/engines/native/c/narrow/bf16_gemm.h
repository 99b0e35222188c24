/* Products of two bf16 matrices, summed in f32 by the kernels of narrow/bf16_amx.c and narrow/bf16_pairs.c: C [m, n] = A [m, k] · B [k, n].
 *
 * A's rows are dense and lie in pairs of numbers (k is even, or its last pair is filled up with zero). B comes in panels of VL columns,
 * [pair][column], so that C's rows come out as they lie in memory. */
#ifndef MB_BF16_GEMM_H
#define MB_BF16_GEMM_H

#include "narrow/panel_linear.h"

/* Words of a panel of depth k. */
static inline int64_t mb_bf16_panel_words(int64_t k) { return mb_ceil_div(mb_ceil_div(k, 2), VL) * VL * VL; }

/* Writes up to VL columns of B as one panel, zeros around them. One of the strides is 1. */
void MB_FN(mb_bf16_pack)(const uint16_t *b, int64_t k_stride, int64_t n_stride, int64_t k, int64_t columns, int32_t *panel);

typedef struct {
  int64_t m, n, k;
  const uint16_t *a;
  const int32_t *panels;
  void *c;
  int64_t c_row; /* elements */
  int c_bytes;   /* 4: f32, 2: bf16 */
  int add;       /* to the old C; in f32 only */
} mb_bf16_product;

/* On one thread, in a task. */
void MB_FN(mb_bf16_multiply)(const mb_panel_kernel *kernel, const mb_bf16_product *product);

/* Blocks of VL rows of a matrix that lies by columns, as rows: `to` [rows][stride], zeros beyond k. rows ≤ VL. */
void MB_FN(mb_bf16_turn)(const uint16_t *from, int64_t k_stride, int64_t rows, int64_t k, uint16_t *to, int64_t stride);

typedef struct {
  int64_t m, n, k;
  const uint16_t *a, *b;
  int64_t a_row, a_col, b_row, b_col; /* elements; one of each pair is 1 */
  void *c;
  int64_t c_row;
  int c_bytes;
} mb_bf16_gemm_args;

/* On all workers; call it outside of tasks. Returns 0, and does nothing, where the machine has no kernel. */
int MB_FN(mb_bf16_gemm)(const mb_bf16_gemm_args *args);

#endif
