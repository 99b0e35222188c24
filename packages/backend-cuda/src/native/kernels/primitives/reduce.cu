/* reduce: a group of threads per element of the output, a warp where there is little to add and a block where there is much. Each thread
 * takes every n-th element, then the threads are joined in a tree: the order depends on the shape alone. */
#include <algorithm>

#include "engine/call.h"

struct reduction {
  mb_view out, in; /* the kept axes */
  mb_view folded;  /* the reduced axes of the input; data and dtype are those of `in` */
  int64_t outputs, extent;
};

struct sum {
  static MB_CLOSE float join(float a, float b) { return a + b; }
  static MB_CLOSE int64_t join(int64_t a, int64_t b) { return a + b; }
  template <typename T> static MB_CLOSE T nothing() { return 0; }
};

struct largest {
  static MB_CLOSE float join(float a, float b) { return a != a || a > b ? a : b; }
  static MB_CLOSE int64_t join(int64_t a, int64_t b) { return a > b ? a : b; }
  template <typename T> static MB_CLOSE T nothing();
};
template <> MB_CLOSE float largest::nothing<float>() { return -INFINITY; }
template <> MB_CLOSE int64_t largest::nothing<int64_t>() { return INT64_MIN; }

static __device__ void load(const mb_view &view, int64_t at, float &value) { value = load_f32(view.data, view.dtype, at); }
static __device__ void load(const mb_view &view, int64_t at, int64_t &value) { value = (int64_t)load_f64(view.data, view.dtype, at); }
static __device__ void store(const mb_view &view, int64_t at, float value) { store_f32(view.data, view.dtype, at, value); }
static __device__ void store(const mb_view &view, int64_t at, int64_t value) {
  if (view.dtype == MB_I32 || view.dtype == MB_U32) ((uint32_t *)view.data)[at] = (uint32_t)value;
  else store_f64(view.data, view.dtype, at, (double)value);
}

template <typename Join, typename T> static __device__ T fold(const reduction &r, int64_t output, int64_t first, int64_t step) {
  const int64_t base = offset_of(r.in, output);
  T total = Join::template nothing<T>();
  for (int64_t i = first; i < r.extent; i += step) {
    T value;
    load(r.folded, base + offset_of(r.folded, i), value);
    total = Join::join(total, value);
  }
  return total;
}

template <typename Join, typename T> static __device__ T join_warp(T total) {
  for (int distance = 16; distance > 0; distance /= 2) total = Join::join(total, __shfl_xor_sync(0xffffffff, total, distance));
  return total;
}

template <typename Join, typename T> static __global__ void reduce_by_warps(reduction r) {
  const int64_t warps = (int64_t)gridDim.x * (blockDim.x / 32);
  for (int64_t output = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / 32; output < r.outputs; output += warps) {
    const T total = join_warp<Join, T>(fold<Join, T>(r, output, threadIdx.x % 32, 32));
    if (threadIdx.x % 32 == 0) store(r.out, offset_of(r.out, output), total);
  }
}

template <typename Join, typename T> static __global__ void reduce_by_blocks(reduction r) {
  MB_SHARED(T, parts, [32]);
  for (int64_t output = blockIdx.x; output < r.outputs; output += gridDim.x) {
    const T total = join_warp<Join, T>(fold<Join, T>(r, output, threadIdx.x, blockDim.x));
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = total;
    __syncthreads();
    if (threadIdx.x < 32) {
      const T part = threadIdx.x < blockDim.x / 32 ? parts[threadIdx.x] : Join::template nothing<T>();
      const T all = join_warp<Join, T>(part);
      if (threadIdx.x == 0) store(r.out, offset_of(r.out, output), all);
    }
    __syncthreads();
  }
}

template <typename Join, typename T> static void run(const mb_call &call, const reduction &r) {
  const int64_t most = 4096, warps = 4;
  if (r.extent <= 2048) launch(reduce_by_warps<Join, T>, (unsigned)std::min(most, (r.outputs + warps - 1) / warps), 32 * warps, call.stream, r);
  else launch(reduce_by_blocks<Join, T>, (unsigned)std::min(most, r.outputs), 256, call.stream, r);
}

/* attributes: 1 for the largest, 0 for the sum; the reduced axes as bits. */
void op_reduce(const mb_call &call) {
  const mb_view &in = call.views[1];
  const unsigned axes = (unsigned)call.attributes[1];
  mb_view kept[2] = {call.views[0], in};
  reduction r = {{}, {}, in, 1, 1};
  kept[0].rank = kept[1].rank = r.folded.rank = 0;
  for (int32_t axis = 0; axis < in.rank; axis++) {
    const bool reduced = axes >> axis & 1;
    mb_view &to = reduced ? r.folded : kept[1];
    if (!reduced) {
      kept[0].shape[kept[0].rank] = in.shape[axis];
      kept[0].stride[kept[0].rank++] = call.views[0].stride[axis];
    }
    to.shape[to.rank] = in.shape[axis];
    to.stride[to.rank++] = in.stride[axis];
  }
  r.outputs = size_of(kept[1]);
  r.extent = size_of(r.folded);
  if (r.outputs == 0) return;
  coalesce(kept, 2);
  coalesce(&r.folded, 1);
  r.out = kept[0];
  r.in = kept[1];
  const bool whole = !is_float(in.dtype);
  if (call.attributes[0] != 0) whole ? run<largest, int64_t>(call, r) : run<largest, float>(call, r);
  else whole ? run<sum, int64_t>(call, r) : run<sum, float>(call, r);
}
