/* Sums over the threads that share a row: a warp or a block, in one fixed order. */
#ifndef MB_NORM_ROWS_H
#define MB_NORM_ROWS_H

#include "base/pack.h"

/* Rows up to this width are held in the registers of a warp. */
constexpr int64_t most_warp_width = 1024;
constexpr int row_warps = 4, row_threads = 32 * row_warps; /* of a block whose warps have a row each */
constexpr int block_threads = 256;                        /* of a block that has one row */

static __device__ inline float sum_of_warp(float value) {
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffff, value, distance);
  return value;
}

/* Of a block of block_threads, which shares `parts`. */
static __device__ inline float sum_of_block(float value, float (&parts)[block_threads / 32]) {
  value = sum_of_warp(value);
  __syncthreads(); /* the parts of the sum before this one have been read */
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
  __syncthreads();
  float total = 0;
  for (float part : parts) total += part;
  return total;
}

#endif
