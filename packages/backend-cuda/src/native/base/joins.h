/* How values are joined: over the lanes of a warp and the warps of a block, in a fixed tree whose result every thread has. */
#ifndef MB_JOINS_H
#define MB_JOINS_H

#include "base/view.h"

struct sum {
  template <typename T> static MB_CLOSE T join(T a, T b) { return a + b; }
  template <typename T> static MB_CLOSE T nothing() { return 0; }
};

struct largest {
  template <typename T> static MB_CLOSE T join(T a, T b) { return a != a || a > b ? a : b; }
  template <typename T> static MB_CLOSE T nothing();
};
template <> MB_CLOSE float largest::nothing<float>() { return -INFINITY; }
template <> MB_CLOSE int64_t largest::nothing<int64_t>() { return INT64_MIN; }

template <typename Join, typename T> static __device__ T join_warp(T total) {
  for (int distance = 16; distance > 0; distance /= 2) total = Join::join(total, __shfl_xor_sync(0xffffffff, total, distance));
  return total;
}

/* `parts` is memory of the block, one for each warp; it may be used again after a barrier. */
template <typename Join, typename T> static __device__ T join_block(T total, T (&parts)[32]) {
  total = join_warp<Join>(total);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = total;
  __syncthreads();
  return join_warp<Join>(threadIdx.x % 32 < blockDim.x / 32 ? parts[threadIdx.x % 32] : Join::template nothing<T>());
}

#endif
