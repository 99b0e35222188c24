/* segmentSum: the ids are sorted, and the rows of values, in that order, cut into tiles of 64. A block adds the runs of one id in its tile; runs
 * that cross tiles leave a sum in each, which are then added in order. So a long run is the work of many blocks. */
#include "base/packs.h"
#include "kernels/primitives/sort_ids.h"

/* As in src/primitives.ts. */
constexpr int tile_rows = 64;
constexpr unsigned tile_threads = 64;
constexpr int rows_at_once = 8;
constexpr uint32_t no_key = UINT32_MAX;

struct tiles {
  mb_view out, values;
  mb_view parts; /* [tiles, 2, columns]: the sum of the run that began before the tile, and of the one that goes on after it */
  sorted_ids sorted;
  int64_t columns;
};

template <typename T> static __device__ mb_pack<T> values_at(const mb_view &view, int64_t at, int width);
template <> __device__ mb_pack<float> values_at<float>(const mb_view &view, int64_t at, int width) {
  return load_pack(view.data, view.dtype, at, width, width == 4);
}
template <> __device__ mb_pack<uint32_t> values_at<uint32_t>(const mb_view &view, int64_t at, int width) {
  mb_pack<uint32_t> values;
  for (int i = 0; i < 4; i++) values.at[i] = i < width ? ((const uint32_t *)view.data)[at + i] : 0;
  return values;
}

static __device__ void store_values(const mb_view &view, int64_t at, const mb_pack<float> &values, int width) {
  store_pack(view.data, view.dtype, at, values, width, width == 4);
}
static __device__ void store_values(const mb_view &view, int64_t at, const mb_pack<uint32_t> &values, int width) {
  for (int i = 0; i < width; i++) ((uint32_t *)view.data)[at + i] = values.at[i];
}

static __device__ uint32_t key_or_none(const sorted_ids &sorted, int64_t at) { return at >= 0 && at < sorted.size ? sorted.keys[at] : no_key; }

template <typename T> static __device__ mb_pack<T> sum_of(mb_pack<T> a, const mb_pack<T> &b) {
#pragma unroll
  for (int i = 0; i < 4; i++) a.at[i] += b.at[i];
  return a;
}

/* A thread has `Width` columns. */
template <typename T, int Width> static __global__ void __launch_bounds__(tile_threads) add_tile(const tiles t) {
  MB_SHARED(uint32_t, keys, [tile_rows + 2]);
  MB_SHARED(uint32_t, rows, [tile_rows]);
  const int64_t first = blockIdx.x * (int64_t)tile_rows, column = (blockIdx.y * tile_threads + threadIdx.x) * (int64_t)Width;
  const int count = t.sorted.size - first < tile_rows ? (int)(t.sorted.size - first) : tile_rows;
  for (int i = threadIdx.x; i < tile_rows + 2; i += tile_threads) keys[i] = key_or_none(t.sorted, first + i - 1);
  for (int i = threadIdx.x; i < count; i += tile_threads) rows[i] = t.sorted.positions[first + i];
  __syncthreads();
  if (column >= t.columns) return;
  bool began_before = keys[0] == keys[1];
  mb_pack<T> total = {};
  for (int from = 0; from < count; from += rows_at_once) {
    mb_pack<T> values[rows_at_once];
#pragma unroll
    for (int i = 0; i < rows_at_once; i++)
      if (from + i < count) values[i] = values_at<T>(t.values, rows[from + i] * t.columns + column, Width);
#pragma unroll
    for (int i = 0; i < rows_at_once; i++) {
      if (from + i >= count) break;
      const uint32_t key = keys[from + i + 1];
      total = sum_of(total, values[i]);
      const bool goes_on = keys[from + i + 2] == key;
      if (goes_on && from + i + 1 < count) continue;
      if (goes_on || began_before) store_values(t.parts, (2 * (int64_t)blockIdx.x + !began_before) * t.columns + column, total, Width);
      else if (key != t.sorted.limit) store_values(t.out, key * t.columns + column, total, Width);
      began_before = false;
      total = {};
    }
  }
}

/* The first place after those of `key`. */
static __device__ int64_t end_of_run(const sorted_ids &sorted, int64_t from, uint32_t key) {
  int64_t low = from, high = sorted.size;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (sorted.keys[middle] <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* The block of the tile in which a run begins that goes on after it. */
template <typename T, int Width> static __global__ void __launch_bounds__(tile_threads) join_tiles(const tiles t) {
  const int64_t first = blockIdx.x * (int64_t)tile_rows, last = first + tile_rows - 1, column = (blockIdx.y * tile_threads + threadIdx.x) * (int64_t)Width;
  const uint32_t key = key_or_none(t.sorted, last);
  const bool began_before = key_or_none(t.sorted, first - 1) == key;
  if (key == no_key || key == t.sorted.limit || began_before || key_or_none(t.sorted, last + 1) != key || column >= t.columns) return;
  const int64_t end = (end_of_run(t.sorted, last, key) - 1) / tile_rows;
  mb_pack<T> total = values_at<T>(t.parts, (2 * (int64_t)blockIdx.x + 1) * t.columns + column, Width);
#pragma unroll 8
  for (int64_t tile = blockIdx.x + 1; tile <= end; tile++) total = sum_of(total, values_at<T>(t.parts, 2 * tile * t.columns + column, Width));
  store_values(t.out, key * t.columns + column, total, Width);
}

template <typename T, int Width> static void add_segments(const mb_call &call, const tiles &t) {
  const mb_grid grid = {(t.sorted.size + tile_rows - 1) / tile_rows, (t.columns + tile_threads * Width - 1) / (tile_threads * Width)};
  launch(add_tile<T, Width>, grid, tile_threads, call.stream, t);
  launch(join_tiles<T, Width>, grid, tile_threads, call.stream, t);
}

/* views: out [V, D], values [N, D], ids [N], memory of the sort (three), parts [tiles, 2, D] in the dtype of sums. */
void op_segment_sum(const mb_call &call) {
  const mb_view *v = call.views;
  const int64_t bytes = size_of(v[0]) * bytes_of(v[0].dtype);
  if (bytes > 0) cudaMemsetAsync(v[0].data, 0, (size_t)bytes, call.stream);
  if (size_of(v[1]) == 0) return;
  const tiles t = {v[0], v[1], v[6], sort_ids(call, v[2], v[0].shape[0], v + 3), v[1].shape[1]};
  const bool packs = t.columns % 4 == 0 && fits_packs(v[0].data, v[0].dtype) && fits_packs(v[1].data, v[1].dtype);
  if (!is_float(v[1].dtype)) add_segments<uint32_t, 1>(call, t);
  else if (packs) add_segments<float, 4>(call, t);
  else add_segments<float, 1>(call, t);
}
