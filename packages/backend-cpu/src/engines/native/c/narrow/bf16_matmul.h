/* Products of two matrices in bf16 by the kernels of linear layers, as a backward pass has them. */
#ifndef MB_BF16_MATMUL_H
#define MB_BF16_MATMUL_H

#include "base/command.h"

/* out = a · b for the views of a matmul: out [m, n] dense in f32 or bf16, a [m, k] and b [k, n] in bf16, each with rows or columns that are
 * contiguous. 0 where it is none of these, or this machine has no kernel for it, or few rows gain nothing: then nothing was done. */
int MB_FN(mb_bf16_matmul)(const mb_view *out, const mb_view *a, const mb_view *b);

#endif
