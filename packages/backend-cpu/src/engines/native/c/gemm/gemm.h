/* Matrix multiplication in f32: C[M, N] = alpha · A[M, K] · B[K, N] (+ C) (+ bias). NaN and infinities flow through. */
#ifndef MB_GEMM_H
#define MB_GEMM_H

#include "base/command.h"

#define MB_GEMM_BATCH_RANK 4

typedef struct {
  int64_t m, n, k;
  const float *a, *b;
  float *c;
  /* Strides in elements. A and B may be strided in any way (transposes); the columns of C are contiguous. */
  int64_t a_row, a_col, b_row, b_col, c_row;
  /* Instead of b: a weight [N, K] in bf16 or f16, b_col elements from row to row. b_row is 1, and there is no batch. Beside it, instead of a: rows
   * [M, K] in the same dtype, a_row elements from row to row. */
  const uint16_t *a16, *b16;
  int32_t dtype16;
  /* Of a linear layer, whose B is a weight [N, K] (b_row is 1); may be NULL. bias [N]; c16: rows in dtype16, c_row apart too, that the result
   * goes to in the place of c, which is room for sums then. */
  const float *bias;
  uint16_t *c16;
  float alpha;
  int accumulate; /* add to the old C instead of overwriting it */
  /* Batch axes: zero means one product. */
  int32_t batch_rank;
  int64_t batch[MB_GEMM_BATCH_RANK], a_batch[MB_GEMM_BATCH_RANK], b_batch[MB_GEMM_BATCH_RANK], c_batch[MB_GEMM_BATCH_RANK];
} mb_gemm_args;

/* On all workers; call it outside of tasks. */
void MB_FN(mb_gemm)(const mb_gemm_args *args);

/* The same on one thread, inside a task (`worker` as given to the task's body). */
void MB_FN(mb_gemm_serial)(const mb_gemm_args *args, int worker);

#endif
