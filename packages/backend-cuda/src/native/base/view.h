/* Strided views in kernels, and loops over their elements. */
#ifndef MB_VIEW_H
#define MB_VIEW_H

#include "base/convert.h"

inline int64_t size_of(const mb_view &view) {
  int64_t size = 1;
  for (int32_t axis = 0; axis < view.rank; axis++) size *= view.shape[axis];
  return size;
}

/* Merges neighbouring axes wherever all views of one shape allow it, and drops axes of extent 1. */
inline void coalesce(mb_view *views, int count) {
  const int32_t rank = views[0].rank;
  int32_t kept = 0;
  for (int32_t axis = 0; axis < rank; axis++) {
    const int64_t extent = views[0].shape[axis];
    if (extent == 1) continue;
    bool merge = kept > 0;
    for (int v = 0; v < count && merge; v++) merge = views[v].stride[kept - 1] == views[v].stride[axis] * extent;
    const int32_t to = merge ? kept - 1 : kept;
    for (int v = 0; v < count; v++) {
      views[v].shape[to] = merge ? views[v].shape[to] * extent : extent;
      views[v].stride[to] = views[v].stride[axis];
    }
    if (!merge) kept++;
  }
  for (int v = 0; v < count; v++) views[v].rank = kept;
}

/* Where the element lies that comes `position`-th in row-major order. The loop is unrolled: a view that is indexed by a variable would be copied
 * to local memory first. */
MB_CLOSE int64_t offset_of(const mb_view &view, int64_t position) {
  if (view.rank == 1) return position * view.stride[0];
  int64_t offset = 0;
#pragma unroll
  for (int32_t axis = MB_MAX_RANK - 1; axis >= 0; axis--) {
    if (axis >= view.rank) continue;
    offset += position % view.shape[axis] * view.stride[axis];
    position /= view.shape[axis];
  }
  return offset;
}

constexpr unsigned loop_threads = 256;

/* Blocks of a loop over n elements: enough to fill a large GPU, no more. */
inline unsigned loop_blocks(int64_t n) {
  const int64_t blocks = (n + loop_threads - 1) / loop_threads;
  return (unsigned)(blocks < 4096 ? blocks : 4096);
}

#define MB_LOOP(i, n)                                                                   \
  for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (int64_t)gridDim.x * blockDim.x)

#endif
