/* reduce: a warp per element of the output where there is little to add, a block where there is much, and where neighbouring elements of the
 * output add what lies together in rows, a block per run of columns. Where there are few elements each sum is cut into parts, whose sums are
 * then added by a second launch. Each thread takes every n-th element, then the threads are joined in a tree: the order depends on the
 * shapes and strides alone. */
#include <algorithm>

#include "base/joins.h"
#include "base/packs.h"
#include "engine/call.h"

struct reduction {
  mb_view out, in; /* the kept axes */
  mb_view folded;  /* the reduced axes of the input; data and dtype are those of `in` */
  int64_t outputs, extent;
  int64_t parts, part; /* how many, and the extent of one: a multiple of 4 where there are several */
  bool packed;         /* four neighbours along the axis that lies together may be read at once */
};

static __device__ void load(const mb_view &view, int64_t at, float &value) { value = load_f32(view.data, view.dtype, at); }
static __device__ void load(const mb_view &view, int64_t at, int64_t &value) { value = (int64_t)load_f64(view.data, view.dtype, at); }
static __device__ void store(const mb_view &view, int64_t at, float value) { store_f32(view.data, view.dtype, at, value); }
static __device__ void store(const mb_view &view, int64_t at, int64_t value) {
  if (view.dtype == MB_I32 || view.dtype == MB_U32) ((uint32_t *)view.data)[at] = (uint32_t)value;
  else store_f64(view.data, view.dtype, at, (double)value);
}

/* The part of this block. */
static __device__ int64_t begin_of(const reduction &r) { return blockIdx.y * r.part; }
static __device__ int64_t end_of(const reduction &r) { return begin_of(r) + r.part < r.extent ? begin_of(r) + r.part : r.extent; }

/* Parts lie one after another. */
template <typename T> static __device__ void store_result(const reduction &r, int64_t output, T value) {
  store(r.out, offset_of(r.out, blockIdx.y * r.outputs + output), value);
}

template <typename Join> static __device__ void join_pack(const reduction &r, int64_t at, float &total) {
  const mb_pack<float> values = load_pack(r.folded.data, r.folded.dtype, at, 4, true);
#pragma unroll
  for (int i = 0; i < 4; i++) total = Join::join(total, values.at[i]);
}
template <typename Join> static __device__ void join_pack(const reduction &, int64_t, int64_t &) {}

template <typename Join, typename T> static __device__ T fold(const reduction &r, int64_t output, int64_t first, int64_t step) {
  const int64_t base = offset_of(r.in, output), end = end_of(r), packs = r.packed ? (end - begin_of(r)) / 4 : 0;
  T total = Join::template nothing<T>();
  for (int64_t pack = first; pack < packs; pack += step) join_pack<Join>(r, base + begin_of(r) + 4 * pack, total);
  for (int64_t i = begin_of(r) + 4 * packs + first; i < end; i += step) {
    T value;
    load(r.folded, base + offset_of(r.folded, i), value);
    total = Join::join(total, value);
  }
  return total;
}

template <typename Join, typename T> static __global__ void reduce_by_warps(const reduction r) {
  const int64_t warps = (int64_t)gridDim.x * (blockDim.x / 32);
  for (int64_t output = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / 32; output < r.outputs; output += warps) {
    const T total = join_warp<Join>(fold<Join, T>(r, output, threadIdx.x % 32, 32));
    if (threadIdx.x % 32 == 0) store_result(r, output, total);
  }
}

template <typename Join, typename T> static __global__ void reduce_by_blocks(const reduction r) {
  MB_SHARED(T, parts, [32]);
  for (int64_t output = blockIdx.x; output < r.outputs; output += gridDim.x) {
    const T total = join_block<Join>(fold<Join, T>(r, output, threadIdx.x, blockDim.x), parts);
    if (threadIdx.x == 0) store_result(r, output, total);
    __syncthreads();
  }
}

constexpr int column_warps = 8;

/* A lane has `Width` columns, and a warp every eighth row. */
template <typename Join, typename T, int Width> static __global__ void __launch_bounds__(32 * column_warps) reduce_columns(const reduction r) {
  MB_SHARED(T, parts, [column_warps][32 * Width]);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int64_t first = (blockIdx.x * 32 + lane) * (int64_t)Width, base = first < r.outputs ? offset_of(r.in, first) : 0;
  T totals[Width];
#pragma unroll
  for (int k = 0; k < Width; k++) totals[k] = Join::template nothing<T>();
  if (first < r.outputs) {
#pragma unroll(sizeof(T) == 8 ? 1 : 4) // whole numbers of 64 bits would spill
    for (int64_t i = begin_of(r) + warp; i < end_of(r); i += column_warps) {
      const int64_t at = base + i * r.folded.stride[0];
      T values[Width];
      if constexpr (Width == 4) {
        const mb_pack<float> pack = load_pack(r.folded.data, r.folded.dtype, at, 4, true);
#pragma unroll
        for (int k = 0; k < 4; k++) values[k] = pack.at[k];
      } else {
        load(r.folded, at, values[0]);
      }
#pragma unroll
      for (int k = 0; k < Width; k++) totals[k] = Join::join(totals[k], values[k]);
    }
  }
#pragma unroll
  for (int k = 0; k < Width; k++) parts[warp][32 * k + lane] = totals[k];
  __syncthreads();
  if (warp >= Width || first >= r.outputs) return;
  /* Warp k joins the k-th columns of all lanes. */
  T total = Join::template nothing<T>();
  for (int from = 0; from < column_warps; from++) total = Join::join(total, parts[from][32 * warp + lane]);
  store_result(r, first + warp, total);
}

static bool multiple_of_4(const mb_view &view, int32_t axes) {
  for (int32_t axis = 0; axis < axes; axis++)
    if (view.stride[axis] % 4 != 0) return false;
  return true;
}

static bool lies_together(const mb_view &view) { return view.rank > 0 && view.stride[view.rank - 1] == 1; }

/* One launch: the shape of the loop follows from where the elements lie. */
template <typename Join, typename T> static void reduce_once(const mb_call &call, reduction r) {
  const int64_t most = 4096, warps = 4;
  const bool may_pack = sizeof(T) == 4 && fits_packs(r.in.data, r.in.dtype);
  const bool columns = r.outputs >= 32 && lies_together(r.in) && r.folded.rank == 1 && !lies_together(r.folded);
  if (columns) {
    const bool wide = may_pack && r.in.shape[r.in.rank - 1] % 4 == 0 && multiple_of_4(r.in, r.in.rank - 1) && multiple_of_4(r.folded, r.folded.rank);
    const int64_t width = wide ? 4 : 1, blocks = (r.outputs + 32 * width - 1) / (32 * width);
    if constexpr (sizeof(T) == 4)
      if (wide) return launch(reduce_columns<Join, T, 4>, {blocks, r.parts}, 32 * column_warps, call.stream, r);
    return launch(reduce_columns<Join, T, 1>, {blocks, r.parts}, 32 * column_warps, call.stream, r);
  }
  r.packed = may_pack && r.folded.rank == 1 && lies_together(r.folded) && multiple_of_4(r.in, r.in.rank);
  if (r.part <= 2048) launch(reduce_by_warps<Join, T>, {std::min(most, (r.outputs + warps - 1) / warps), r.parts}, 32 * warps, call.stream, r);
  else launch(reduce_by_blocks<Join, T>, {std::min(most, r.outputs), r.parts}, 256, call.stream, r);
}

static mb_view line(const mb_view &memory, int64_t extent, int64_t stride) {
  mb_view view = memory;
  view.rank = 1, view.shape[0] = extent, view.stride[0] = stride;
  return view;
}

template <typename Join, typename T> static void run(const mb_call &call, reduction r, const mb_view *memory) {
  if (memory == nullptr) return reduce_once<Join, T>(call, r);
  reduction first = r;
  const int64_t most = memory->shape[0];
  first.part = ((r.extent + most - 1) / most + 3) / 4 * 4;
  first.parts = (r.extent + first.part - 1) / first.part;
  first.out = line(*memory, r.outputs * first.parts, 1);
  reduce_once<Join, T>(call, first);
  r.in = line(*memory, r.outputs, 1);
  r.folded = line(*memory, first.parts, r.outputs);
  r.extent = r.part = first.parts;
  reduce_once<Join, T>(call, r);
}

static void reduce(const mb_call &call, const mb_view *memory) {
  const mb_view &in = call.views[1];
  const unsigned axes = (unsigned)call.attributes[1];
  mb_view kept[2] = {call.views[0], in};
  reduction r = {{}, {}, in, 1, 1, 1, 1, false};
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
  r.extent = r.part = size_of(r.folded);
  if (r.outputs == 0) return;
  coalesce(kept, 2);
  coalesce(&r.folded, 1);
  r.out = kept[0];
  r.in = kept[1];
  const bool whole = !is_float(in.dtype), most = call.attributes[0] != 0;
  if (most) whole ? run<largest, int64_t>(call, r, memory) : run<largest, float>(call, r, memory);
  else whole ? run<sum, int64_t>(call, r, memory) : run<sum, float>(call, r, memory);
}

/* views: out, in; attributes: 1 for the largest, 0 for the sum; the reduced axes as bits. */
void op_reduce(const mb_call &call) { reduce(call, nullptr); }

/* The same, and a third view: memory for at most as many parts as it has rows, [parts, outputs]. There is something to reduce. */
void op_reduce_in_parts(const mb_call &call) { reduce(call, &call.views[2]); }
