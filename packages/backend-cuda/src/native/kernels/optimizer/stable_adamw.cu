/* StableAdamW (optimi; Wortsman et al. 2023) over all tensors: AdamW whose step is divided by the root mean square of g / sqrt(v) where that
 * is above 1. Two launches: the first only reads (g, v) and sums by chunks, the second adds the sums of its tensor in order and updates. What
 * the first would have to write is cheaper to compute again: 38 bytes a parameter with gradients in f32 and a copy in 16 bits. */
#include <algorithm>

#include "base/joins.h"
#include "engine/call.h"
#include "kernels/optimizer/chunks.h"

struct adamw_row {
  float *p, *m, *v;
  const void *g;
  void *copy; /* or nullptr */
  const float *control; /* lr, beta1, beta2, eps, decay */
  int64_t size;
  int8_t gradient_dtype, copy_dtype;
  bool aligned;
};

typedef chunk_table<adamw_row, 448> adamw_table;
static_assert(sizeof(adamw_table) + 2 * sizeof(float *) <= most_parameter_bytes);

static __device__ float next_v(float v, float g, float beta2) { return beta2 * v + (1.0f - beta2) * g * g; }

static __global__ void __launch_bounds__(chunk_threads) adamw_sums(const adamw_table table, const float *grad_scale, float *sums) {
  MB_SHARED(float, parts, [32]);
  const float scale = *grad_scale;
  if (scale == 0) return;
  const int index = row_of_chunk(table, (int32_t)blockIdx.x);
  const adamw_row &row = table.row[index];
  const float beta2 = row.control[2], eps = row.control[3];
  float total = 0;
  for_packs(blockIdx.x - table.first[index], row.size, row.aligned, [&](int64_t at, int64_t count, bool whole) {
    const mb_pack<float> g = load_pack(row.g, row.gradient_dtype, at, count, whole), v = load_pack(row.v, MB_F32, at, count, whole);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float gradient = g.at[i] * scale, ratio = gradient * gradient / fmaxf(next_v(v.at[i], gradient, beta2), eps * eps);
      if (i < count) total += ratio;
    }
  });
  total = join_block<sum>(total, parts);
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

static __global__ void __launch_bounds__(chunk_threads) adamw_update(const adamw_table table, const float *grad_scale, const float *sums) {
  MB_SHARED(float, parts, [32]);
  const float scale = *grad_scale;
  if (scale == 0) return;
  const int index = row_of_chunk(table, (int32_t)blockIdx.x);
  const adamw_row &row = table.row[index];
  float total = 0;
  for (int32_t chunk = table.first[index] + (int32_t)threadIdx.x; chunk < table.first[index + 1]; chunk += chunk_threads) total += sums[chunk];
  const float root = sqrtf(join_block<sum>(total, parts) / (float)row.size);
  const float rate = row.control[0] / (root <= 1 ? 1 : root); /* NaN stays */
  const float beta1 = row.control[1], beta2 = row.control[2], eps = row.control[3], shrink = 1.0f - rate * row.control[4];
  for_packs(blockIdx.x - table.first[index], row.size, row.aligned, [&](int64_t at, int64_t count, bool whole) {
    const mb_pack<float> g = load_pack(row.g, row.gradient_dtype, at, count, whole);
    mb_pack<float> p = load_pack(row.p, MB_F32, at, count, whole), m = load_pack(row.m, MB_F32, at, count, whole),
                   v = load_pack(row.v, MB_F32, at, count, whole);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float gradient = g.at[i] * scale;
      m.at[i] = beta1 * m.at[i] + (1.0f - beta1) * gradient;
      v.at[i] = next_v(v.at[i], gradient, beta2);
      p.at[i] = p.at[i] * shrink - rate * m.at[i] / (sqrtf(v.at[i]) + eps);
    }
    store_pack(row.p, MB_F32, at, p, count, whole);
    store_pack(row.m, MB_F32, at, m, count, whole);
    store_pack(row.v, MB_F32, at, v, count, whole);
    if (row.copy) store_pack(row.copy, row.copy_dtype, at, p, count, whole);
  });
}

static adamw_row row_of(const mb_view *tensor, const float *control) {
  const mb_view &p = tensor[0], &g = tensor[1], &m = tensor[2], &v = tensor[3], &copy = tensor[4];
  adamw_row row = {(float *)p.data, (float *)m.data, (float *)v.data, g.data, copy.data, control, size_of(p), (int8_t)g.dtype, (int8_t)copy.dtype, true};
  for (int view = 0; view < 5; view++) row.aligned &= fits_packs(tensor[view].data, tensor[view].dtype);
  return row;
}

/* views: sums of chunks, gradScale [1], controls [G, 5], then p, g, m, v and copy (or absent) of each tensor; attributes: how many, and the row
 * of controls of each. */
void op_stable_adamw(const mb_call &call) {
  float *const sums = (float *)call.views[0].data;
  const float *const scale = (const float *)call.views[1].data, *const controls = (const float *)call.views[2].data;
  const int tensors = (int)call.attributes[0];
  for (int tensor = 0; tensor < tensors;) {
    adamw_table table;
    for (; tensor < tensors && !table.full(); tensor++)
      table.add(row_of(call.views + 3 + 5 * tensor, controls + 5 * (int64_t)call.attributes[1 + tensor]));
    if (table.chunks() == 0) continue;
    launch(adamw_sums, table.chunks(), chunk_threads, call.stream, table, scale, sums);
    launch(adamw_update, table.chunks(), chunk_threads, call.stream, table, scale, (const float *)sums);
  }
}
