/* putAlong: each sum is made by one thread, in the order of the ids. Where rows have many, they are sorted first. */
#include "engine/call.h"
#include "kernels/primitives/sort_ids.h"

template <typename T> static __device__ T element(const mb_view &view, int64_t at);
template <> __device__ float element<float>(const mb_view &view, int64_t at) { return load_f32(view.data, view.dtype, at); }
template <> __device__ uint32_t element<uint32_t>(const mb_view &view, int64_t at) { return ((const uint32_t *)view.data)[at]; }
static __device__ void store(const mb_view &view, int64_t at, float value) { store_f32(view.data, view.dtype, at, value); }
static __device__ void store(const mb_view &view, int64_t at, uint32_t value) { ((uint32_t *)view.data)[at] = value; }

/* A thread per value; the first one of an id adds them all. */
template <typename T>
static __global__ void put_few(mb_view out, mb_view values, const int32_t *ids, int64_t size, int64_t picks, mb_id_check check) {
  MB_LOOP(i, size) {
    const int64_t row = i / picks, begin = row * picks, end = begin + picks;
    const int32_t id = ids[i];
    bool first = !bad_id(check, id);
    for (int64_t at = begin; at < i && first; at++) first = ids[at] != id;
    if (!first) continue;
    T total = 0;
    for (int64_t at = i; at < end; at++)
      if (ids[at] == id) total += element<T>(values, at);
    store(out, row * check.count + id, total);
  }
}

/* A thread per place in the order; the first one of a key adds its values. */
template <typename T> static __global__ void put_sorted(mb_view out, mb_view values, sorted_ids sorted) {
  MB_LOOP(i, sorted.size) {
    const uint32_t key = sorted.keys[i];
    if (key == sorted.limit || (i > 0 && sorted.keys[i - 1] == key)) continue;
    T total = 0;
    for (int64_t at = i; at < sorted.size && sorted.keys[at] == key; at++) total += element<T>(values, sorted.positions[at]);
    store(out, key, total);
  }
}

static void clear(const mb_call &call) {
  const int64_t bytes = size_of(call.views[0]) * bytes_of(call.views[0].dtype);
  if (bytes > 0) cudaMemsetAsync(call.views[0].data, 0, (size_t)bytes, call.stream);
}

/* views: out [R, K], values [R, J], ids [R, J]. */
void op_put_along(const mb_call &call) {
  const mb_view *v = call.views;
  const int64_t size = size_of(v[1]);
  clear(call);
  if (size == 0) return;
  const auto kernel = is_float(v[1].dtype) ? put_few<float> : put_few<uint32_t>;
  launch(kernel, loop_blocks(size), loop_threads, call.stream, v[0], v[1], (const int32_t *)v[2].data, size, v[2].shape[1], id_check(call, v[0].shape[1]));
}

/* The same, and memory of the sort (three views). */
void op_put_along_sorted(const mb_call &call) {
  const mb_view *v = call.views;
  clear(call);
  if (size_of(v[1]) == 0) return;
  const sorted_ids sorted = sort_ids(call, v[2], v[0].shape[1], v + 3);
  launch(is_float(v[1].dtype) ? put_sorted<float> : put_sorted<uint32_t>, loop_blocks(sorted.size), loop_threads, call.stream, v[0], v[1], sorted);
}
