/* segmentSum: a block per row of the output reads all ids, and adds the rows that belong to it in their order. */
#include "engine/call.h"

constexpr int segment_threads = 128, at_once = 8;

static __device__ float element(const mb_view &view, int64_t at, float) { return load_f32(view.data, view.dtype, at); }
static __device__ uint32_t element(const mb_view &view, int64_t at, uint32_t) { return ((const uint32_t *)view.data)[at]; }
static __device__ void store(const mb_view &view, int64_t at, float value) { store_f32(view.data, view.dtype, at, value); }
static __device__ void store(const mb_view &view, int64_t at, uint32_t value) { ((uint32_t *)view.data)[at] = value; }

/* Which of the next eight ids are `wanted`, as bits. */
static __device__ unsigned matches(const int32_t *ids, int64_t from, int64_t rows, int64_t wanted, bool checks, const mb_id_check &check) {
  unsigned found = 0;
  for (int k = 0; k < at_once && from + k < rows; k++) {
    const int32_t id = ids[from + k];
    if (id == wanted) found |= 1u << k;
    if (checks) bad_id(check, id);
  }
  return found;
}

template <typename T>
static __global__ void segment_kernel(mb_view out, mb_view values, const int32_t *ids, int64_t rows, int64_t columns, mb_id_check check) {
  MB_SHARED(uint32_t, found, [segment_threads]);
  const int64_t wanted = blockIdx.x, reach = segment_threads * at_once;
  for (int64_t first = 0; first < columns; first += reach) {
    T totals[at_once] = {};
    for (int64_t base = 0; base < rows; base += reach) {
      const unsigned mine = matches(ids, base + threadIdx.x * at_once, rows, wanted, wanted == 0 && first == 0, check);
      found[threadIdx.x] = mine;
      if (!__syncthreads_or((int)mine)) continue;
      for (int thread = 0; thread < segment_threads; thread++)
        for (int k = 0; found[thread] >> k; k++) {
          if (!(found[thread] >> k & 1)) continue;
          const int64_t row = base + thread * at_once + k;
          for (int c = 0; c < at_once; c++) {
            const int64_t column = first + threadIdx.x + c * segment_threads;
            if (column < columns) totals[c] += element(values, row * columns + column, T());
          }
        }
      __syncthreads();
    }
    for (int c = 0; c < at_once; c++) {
      const int64_t column = first + threadIdx.x + c * segment_threads;
      if (column < columns && wanted < check.count) store(out, wanted * columns + column, totals[c]);
    }
  }
}

/* views: out [V, D], values [N, D], ids [N]. */
void op_segment_sum(const mb_call &call) {
  const mb_view *v = call.views;
  const int64_t rows = v[1].shape[0], columns = v[1].shape[1], count = v[0].shape[0];
  if (columns == 0 || (count == 0 && rows == 0)) return;
  const auto kernel = is_float(v[1].dtype) ? segment_kernel<float> : segment_kernel<uint32_t>;
  const unsigned blocks = (unsigned)(count > 0 ? count : 1); /* one looks for bad ids even where there is no row */
  launch(kernel, blocks, segment_threads, call.stream, v[0], v[1], (const int32_t *)v[2].data, rows, columns, id_check(call, count));
}
