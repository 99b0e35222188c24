/* Scores of 16 rows of a warp and KEYS columns, as d of mma: which of them count, and the softmax that goes along with them. A thread has
 * columns 8n + 2t and 8n + 2t + 1 of rows g and g + 8. */
#ifndef MB_ATTENTION_SCORES_H
#define MB_ATTENTION_SCORES_H

#include "kernels/attention/slots.h"

/* log2 of what a masked score stands for, and the largest score of none. */
#define MB_NONE (-INFINITY)

/* Rows `row` to `row + 15` and columns `column` to `column + count - 1`: whether every row sees every column, of which `end` are there. */
MB_INLINE bool all_seen(const mb_attention &p, int row, int column, int count, int end) {
  return column + count <= end && column + count - 1 - row <= p.window && row + 15 - column <= p.window;
}

/* Rows `row` to `row + 15` and columns `column` to `column + 15`: whether any row may see any column. */
MB_INLINE bool any_seen(const mb_attention &p, int row, int column, int end) {
  return column < end && abs(column - row) <= p.window + 15;
}

MB_INLINE bool seen(const mb_attention &p, int row, int column, int end) {
  return column < end && abs(column - row) <= p.window;
}

/* Of the scores of 16 rows: the largest so far, and this thread's part of Σ 2^((score - largest) · scale_log2). */
struct mb_softmax {
  float largest[2] = {MB_NONE, MB_NONE}, sum[2] = {0, 0};
};

/* The largest of the four threads that share a row. */
MB_INLINE float largest_of_row(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xffffffff, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xffffffff, value, 2));
}

MB_INLINE float sum_of_row(float value) {
  value += __shfl_xor_sync(0xffffffff, value, 1);
  return value + __shfl_xor_sync(0xffffffff, value, 2);
}

/* Turns scores into powers of two below 1, and what `sums` holds of columns before to the same largest score. */
template <int N, int WIDTH>
static __device__ __forceinline__ void soften(mb_softmax &softmax, float (&scores)[N][4], float (&sums)[WIDTH][4], float scale_log2) {
#pragma unroll
  for (int half = 0; half < 2; half++) {
    float largest = softmax.largest[half];
#pragma unroll
    for (int n = 0; n < N; n++) largest = fmaxf(largest, fmaxf(scores[n][2 * half], scores[n][2 * half + 1]));
    largest = largest_of_row(largest);
    const float shift = largest == MB_NONE ? 0 : largest * scale_log2;
    const float shrink = fast_exp2(softmax.largest[half] * scale_log2 - shift);
    softmax.largest[half] = largest;
    float sum = 0;
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
      for (int e = 2 * half; e < 2 * half + 2; e++) sum += scores[n][e] = fast_exp2(scores[n][e] * scale_log2 - shift);
    softmax.sum[half] = softmax.sum[half] * shrink + sum;
#pragma unroll
    for (int n = 0; n < WIDTH; n++) sums[n][2 * half] *= shrink, sums[n][2 * half + 1] *= shrink;
  }
}

#endif
