/* Layer normalisation of rows, alone or after a residual addition whose delta may be dropped. A row is read once: in registers of a warp up to
 * 1,024 columns, else by a block through its cache. Moments take two passes. What is normalised is the sum as it is stored. */
#include "base/philox.h"
#include "engine/call.h"
#include "kernels/norms/rows.h"

namespace {

struct forward_rows {
  int64_t rows, width;
  float eps;
  mb_dense y, sum, x, delta, weight, bias;
  float *stats; /* [rows, 2]: mean, 1 / standard deviation; or nullptr */
  mb_dropout dropout;
};

} // namespace

/* A warp per row of up to Packs · 256 columns, a multiple of 8. */
template <int Packs> static __global__ void __launch_bounds__(row_threads) forward_by_warps(forward_rows n) {
  const int64_t row = (int64_t)blockIdx.x * row_warps + threadIdx.x / 32, base = row * n.width;
  if (row >= n.rows) return;
  const auto column_of = [&](int p) { return (p * 32 + (int)threadIdx.x % 32) * pack_size; };
  mb_pack x[Packs], delta[Packs];
#pragma unroll
  for (int p = 0; p < Packs; p++) {
    if (column_of(p) >= n.width) continue;
    x[p] = fetch(n.x, base + column_of(p));
    if (n.delta.data) delta[p] = fetch(n.delta, base + column_of(p));
  }
  float values[Packs][pack_size] = {}, total = 0;
#pragma unroll
  for (int p = 0; p < Packs; p++) {
    if (column_of(p) >= n.width) continue;
    widen(x[p], n.x.dtype, values[p]);
    if (n.delta.data) {
      const int64_t at = base + column_of(p);
      float added[pack_size];
      widen(delta[p], n.delta.dtype, added);
      if (n.dropout.rate > 0) drop_pack(n.dropout, at, added);
      for (int i = 0; i < pack_size; i++) values[p][i] += added[i];
      widen(store_pack(n.sum, at, values[p]), n.sum.dtype, values[p]);
    }
    for (float value : values[p]) total += value;
  }
  const float mean = join_warp<sum>(total) / (float)n.width;
  float squares = 0;
#pragma unroll
  for (int p = 0; p < Packs; p++) {
    if (column_of(p) >= n.width) continue;
    for (float value : values[p]) squares += (value - mean) * (value - mean);
  }
  const float scale = 1.0f / sqrtf(join_warp<sum>(squares) / (float)n.width + n.eps);
  if (n.stats && threadIdx.x % 32 == 0) n.stats[2 * row] = mean, n.stats[2 * row + 1] = scale;
#pragma unroll
  for (int p = 0; p < Packs; p++) {
    if (column_of(p) >= n.width) continue;
    float weight[pack_size], bias[pack_size] = {};
    load_pack(n.weight, column_of(p), weight);
    if (n.bias.data) load_pack(n.bias, column_of(p), bias);
    for (int i = 0; i < pack_size; i++) values[p][i] = (values[p][i] - mean) * scale * weight[i] + bias[i];
    store_pack(n.y, base + column_of(p), values[p]);
  }
}

/* A block per row: any width, any alignment. A thread reads what it wrote. */
static __global__ void __launch_bounds__(block_threads) forward_by_blocks(forward_rows n) {
  MB_SHARED(float, total_parts, [32]);
  MB_SHARED(float, square_parts, [32]);
  const int64_t row = blockIdx.x, base = row * n.width;
  float total = 0;
  for (int64_t c = threadIdx.x; c < n.width; c += block_threads) {
    if (n.delta.data) {
      const float added = load(n.delta, base + c);
      store(n.sum, base + c, load(n.x, base + c) + (n.dropout.rate > 0 ? drop_one(n.dropout, base + c, added) : added));
    }
    total += load(n.delta.data ? n.sum : n.x, base + c);
  }
  const mb_dense &x = n.delta.data ? n.sum : n.x;
  const float mean = join_block<sum>(total, total_parts) / (float)n.width;
  float squares = 0;
  for (int64_t c = threadIdx.x; c < n.width; c += block_threads) {
    const float centred = load(x, base + c) - mean;
    squares += centred * centred;
  }
  const float scale = 1.0f / sqrtf(join_block<sum>(squares, square_parts) / (float)n.width + n.eps);
  if (n.stats && threadIdx.x == 0) n.stats[2 * row] = mean, n.stats[2 * row + 1] = scale;
  for (int64_t c = threadIdx.x; c < n.width; c += block_threads) {
    const float value = (load(x, base + c) - mean) * scale * load(n.weight, c);
    store(n.y, base + c, n.bias.data ? value + load(n.bias, c) : value);
  }
}

/* views: y, sum (absent without delta), stats [T, 2] (or absent), x, delta (or absent), weight, bias (or absent), step (or absent); attributes:
 * eps, rate of the dropout, its key and counter. */
void op_layer_norm_forward(const mb_call &call) {
  const mb_view *v = call.views;
  forward_rows n = {v[3].shape[0], v[3].shape[1], (float)call.attributes[0], dense(v[0]), dense(v[1]), dense(v[3]), dense(v[4]), dense(v[5]), dense(v[6]),
                    (float *)v[2].data, dropout_of(call.attributes + 1, v[7])};
  if (n.rows == 0) return;
  bool packs = n.width % pack_size == 0 && n.width <= most_warp_width;
  for (const mb_dense &x : {n.y, n.sum, n.x, n.delta, n.weight, n.bias}) packs = packs && holds_packs(x);
  if (!packs) return launch(forward_by_blocks, n.rows, block_threads, call.stream, n);
  const auto kernel = n.width <= 512 ? forward_by_warps<2> : n.width <= 768 ? forward_by_warps<3> : forward_by_warps<4>;
  launch(kernel, (n.rows + row_warps - 1) / row_warps, row_threads, call.stream, n);
}
