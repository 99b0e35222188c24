/* Dot products of f32 rows with rows of 16-bit weights (linear_dot.c). */
#ifndef MB_LINEAR_DOT_H
#define MB_LINEAR_DOT_H

#include "command.h"

/* y[rows, first…end-1] = x[rows, depth] · weight[channel, depth], for any number of rows. dtype is MB_BF16 or MB_F16. */
void MB_FN(mb_linear_dot)(int64_t rows, int64_t first, int64_t end, int64_t depth, const float *x, const uint16_t *weight, int32_t dtype,
                          float *y, int64_t y_row);

#endif
