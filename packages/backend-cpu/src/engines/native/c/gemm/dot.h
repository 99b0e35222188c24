/* mb_gemm by dot products. */
#ifndef MB_GEMM_DOT_H
#define MB_GEMM_DOT_H

#include "gemm/gemm.h"

/* For up to MB_DOT_ROWS rows of A, contiguous in depth, against a B whose columns are (a weight [N, K]): dot products, nothing packed.
 * Outside of tasks on all workers, inside of them on one. */
#define MB_DOT_ROWS 16
void MB_FN(mb_gemm_dot)(const mb_gemm_args *args, const float *a, const float *b, float *c, int worker);

#endif
