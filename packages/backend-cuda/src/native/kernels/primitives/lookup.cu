/* gather and takeAlong copy elements as they are; putAlong adds, each sum by one thread in the order of the ids. */
#include "engine/call.h"

static __device__ void move_element(const mb_view &out, int64_t to, const mb_view &in, int64_t from, bool present) {
  if (bytes_of(out.dtype) == 2) ((uint16_t *)out.data)[to] = present ? ((const uint16_t *)in.data)[from] : 0;
  else ((uint32_t *)out.data)[to] = present ? ((const uint32_t *)in.data)[from] : 0;
}

static __global__ void gather_kernel(mb_view out, mb_view table, const int32_t *ids, int64_t size, int64_t columns, mb_id_check check) {
  MB_LOOP(i, size) {
    const int32_t id = ids[i / columns];
    const bool bad = bad_id(check, id);
    move_element(out, i, table, bad ? 0 : id * columns + i % columns, !bad);
  }
}

/* views: out [N, D], table [V, D], ids [N]. */
void op_gather(const mb_call &call) {
  const mb_view *v = call.views;
  const int64_t size = size_of(v[0]);
  if (size == 0) return;
  const mb_id_check check = id_check(call, v[1].shape[0]);
  launch(gather_kernel, loop_blocks(size), loop_threads, call.stream, v[0], v[1], (const int32_t *)v[2].data, size, v[0].shape[1], check);
}

static __global__ void take_kernel(mb_view out, mb_view x, const int32_t *ids, int64_t size, int64_t picks, mb_id_check check) {
  MB_LOOP(i, size) {
    const int32_t id = ids[i];
    const bool bad = bad_id(check, id);
    move_element(out, i, x, bad ? 0 : i / picks * check.count + id, !bad);
  }
}

/* views: out [R, J], x [R, K], ids [R, J]. */
void op_take_along(const mb_call &call) {
  const mb_view *v = call.views;
  const int64_t size = size_of(v[0]);
  if (size == 0) return;
  const mb_id_check check = id_check(call, v[1].shape[1]);
  launch(take_kernel, loop_blocks(size), loop_threads, call.stream, v[0], v[1], (const int32_t *)v[2].data, size, v[2].shape[1], check);
}

static __device__ bool occurs(const int32_t *ids, int64_t end, int32_t id) {
  for (int64_t i = 0; i < end; i++)
    if (ids[i] == id) return true;
  return false;
}

/* Adds the values first, first + 1, … whose id is `id`; `stride` elements lie between them. */
static __device__ void add_all(const mb_view &out, int64_t to, const mb_view &values, int64_t at, int64_t stride, const int32_t *ids, int64_t count,
                               int32_t id) {
  if (is_float(values.dtype)) {
    float total = 0;
    for (int64_t i = 0; i < count; i++)
      if (ids[i] == id) total += load_f32(values.data, values.dtype, at + i * stride);
    store_f32(out.data, out.dtype, to, total);
  } else {
    uint32_t total = 0;
    for (int64_t i = 0; i < count; i++)
      if (ids[i] == id) total += ((const uint32_t *)values.data)[at + i * stride];
    ((uint32_t *)out.data)[to] = total;
  }
}

/* A thread per value; the first one of an id adds them all. */
static __global__ void put_kernel(mb_view out, mb_view values, const int32_t *ids, int64_t size, int64_t picks, mb_id_check check) {
  MB_LOOP(i, size) {
    const int64_t row = i / picks, pick = i % picks;
    const int32_t id = ids[i], *of_row = ids + row * picks;
    if (bad_id(check, id) || occurs(of_row, pick, id)) continue;
    add_all(out, row * check.count + id, values, i, 1, of_row + pick, picks - pick, id);
  }
}

/* views: out [R, K], values [R, J], ids [R, J]. */
void op_put_along(const mb_call &call) {
  const mb_view *v = call.views;
  const int64_t size = size_of(v[1]), bytes = size_of(v[0]) * bytes_of(v[0].dtype);
  if (bytes > 0) cudaMemsetAsync(v[0].data, 0, (size_t)bytes, call.stream);
  if (size == 0) return;
  const mb_id_check check = id_check(call, v[0].shape[1]);
  launch(put_kernel, loop_blocks(size), loop_threads, call.stream, v[0], v[1], (const int32_t *)v[2].data, size, v[2].shape[1], check);
}
