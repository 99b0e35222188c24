/* A product as cuBLASLt takes it: column by column, out [rows, columns] = alpha · a [rows, depth] · b [depth, columns] (+ bias [rows]). */
#ifndef MB_GEMM_H
#define MB_GEMM_H

#include "base/view.h"

struct mb_matrix {
  void *data;
  int64_t leading; /* elements from one column to the next */
  int64_t batch_stride;
  bool transposed; /* what lies there is the transpose */
};

struct mb_gemm {
  mb_matrix a, b, out;
  const void *bias; /* NULL: none */
  int32_t dtype, out_dtype; /* of a and b; of out and bias */
  int64_t rows, columns, depth, batch;
  float alpha;
  bool accumulate;
};

/* The product of views as the primitive matmul has them, plus `bias` [N] unless it is NULL. False where cuBLASLt does not take it. These are
 * all the rules: floats; something to add up; each matrix dense along one axis; batches at one distance; addresses and distances that are
 * multiples of 16 bytes; a bias along the axis that is dense in `out`, and dense itself. */
bool mb_gemm_of(const mb_view &out, const mb_view &a, const mb_view &b, const mb_view *bias, mb_gemm &gemm);

#endif
