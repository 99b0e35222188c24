/* copy: any strides, any dtypes. Whole numbers go through f64, which holds all of them. Runs of neighbours move by packs, and bytes that stay as
 * they are by CUDA's own copy; where neighbours of one view lie apart in the other, tiles go through shared memory. */
#include "base/pack.h"
#include "engine/call.h"

static __global__ void copy_floats(mb_view to, mb_view from, int64_t size) {
  MB_LOOP(i, size) store_f32(to.data, to.dtype, offset_of(to, i), load_f32(from.data, from.dtype, offset_of(from, i)));
}

static __global__ void copy_exactly(mb_view to, mb_view from, int64_t size) {
  MB_LOOP(i, size) store_f64(to.data, to.dtype, offset_of(to, i), load_f64(from.data, from.dtype, offset_of(from, i)));
}

static __global__ void copy_packs(mb_view to, mb_view from, int64_t size) {
  const mb_dense target = dense(to), source = dense(from);
  MB_LOOP(i, size / pack_size) {
    float values[pack_size];
    load_pack(source, offset_of(from, i * pack_size), values);
    store_pack(target, offset_of(to, i * pack_size), values);
  }
  /* Only of dense views: others have whole packs. */
  const int64_t rest = size / pack_size * pack_size + threadIdx.x;
  if (blockIdx.x == 0 && rest < size) store(target, rest, load(source, rest));
}

constexpr int tile = 32, tile_rows = 8;

/* Rows of `to` are columns of `from`, for each element of the other axes. */
struct turned {
  mb_view to, from; /* the other axes; data and dtype */
  int64_t rows, columns, to_row, from_column, column_tiles, tiles;
};

static __global__ void copy_turned(turned t) {
  MB_SHARED(float, values, [tile][tile + 1]);
  const int64_t batch = blockIdx.x / t.tiles, index = blockIdx.x % t.tiles;
  const int64_t row = index / t.column_tiles * tile, column = index % t.column_tiles * tile;
  const int64_t to = offset_of(t.to, batch), from = offset_of(t.from, batch);
  const int lane = threadIdx.x % tile;
  for (int line = threadIdx.x / tile; line < tile; line += tile_rows)
    if (row + lane < t.rows && column + line < t.columns)
      values[line][lane] = load_f32(t.from.data, t.from.dtype, from + (column + line) * t.from_column + row + lane);
  __syncthreads();
  for (int line = threadIdx.x / tile; line < tile; line += tile_rows)
    if (row + line < t.rows && column + lane < t.columns)
      store_f32(t.to.data, t.to.dtype, to + (row + line) * t.to_row + column + lane, values[lane][line]);
}

static bool is_dense(const mb_view &view) { return view.rank == 0 || (view.rank == 1 && view.stride[0] == 1); }

/* Whether every eighth element begins a run of eight neighbours at a multiple of 16 bytes. */
static bool has_packs(const mb_view &view) {
  if (!holds_packs(dense(view))) return false;
  if (is_dense(view)) return true;
  const int32_t last = view.rank - 1;
  if (view.stride[last] != 1 || view.shape[last] % pack_size != 0) return false;
  for (int32_t axis = 0; axis < last; axis++)
    if (view.stride[axis] % pack_size != 0) return false;
  return true;
}

/* The axis of `from` whose elements are neighbours, where it is long and another one than that of `to`; else -1. */
static int32_t turned_axis(const mb_view &to, const mb_view &from) {
  const int32_t last = to.rank - 1;
  if (to.rank < 2 || to.stride[last] != 1 || to.shape[last] < pack_size || !is_float(from.dtype) || !is_float(to.dtype)) return -1;
  for (int32_t axis = 0; axis < last; axis++)
    if (from.stride[axis] == 1 && from.shape[axis] >= pack_size) return axis;
  return -1;
}

static mb_view without_axis(mb_view view, int32_t dropped) {
  for (int32_t axis = dropped; axis + 1 < view.rank; axis++) view.shape[axis] = view.shape[axis + 1], view.stride[axis] = view.stride[axis + 1];
  view.rank--;
  return view;
}

void op_copy(const mb_call &call) {
  mb_view views[2] = {call.views[0], call.views[1]};
  const int64_t size = size_of(views[0]);
  if (size == 0) return;
  coalesce(views, 2);
  const mb_view &to = views[0], &from = views[1];
  if (is_dense(to) && is_dense(from) && to.dtype == from.dtype) {
    cudaMemcpyAsync(to.data, from.data, (size_t)(size * bytes_of(to.dtype)), cudaMemcpyDefault, call.stream);
  } else if (has_packs(to) && has_packs(from)) {
    launch(copy_packs, loop_blocks(size / pack_size + 1), loop_threads, call.stream, to, from, size);
  } else if (const int32_t axis = turned_axis(to, from), last = to.rank - 1; axis >= 0) {
    turned t = {without_axis(without_axis(to, last), axis), without_axis(without_axis(from, last), axis), to.shape[axis], to.shape[last], to.stride[axis], from.stride[last], 0, 0};
    t.column_tiles = (t.columns + tile - 1) / tile;
    t.tiles = (t.rows + tile - 1) / tile * t.column_tiles;
    launch(copy_turned, t.tiles * size_of(t.to), tile * tile_rows, call.stream, t);
  } else {
    launch(is_float(from.dtype) ? copy_floats : copy_exactly, loop_blocks(size), loop_threads, call.stream, to, from, size);
  }
}
