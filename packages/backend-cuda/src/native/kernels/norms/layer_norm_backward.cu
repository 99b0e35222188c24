/* Gradients of layer normalisation, alone or after a residual addition. Blocks have runs of rows; each adds up the gradients of weight and bias
 * over its rows, and a second kernel adds the blocks' sums in order. How many blocks there are depends on the number of rows alone. */
#include <algorithm>

#include "base/philox.h"
#include "engine/call.h"
#include "kernels/norms/rows.h"

namespace {

struct backward_rows {
  int64_t rows, width, rows_per_block;
  float share; /* 1 / width */
  mb_dense grad_x, grad_delta, grad_y, grad_sum, x, weight;
  const float *stats;
  float *partials; /* [blocks, 2, width]: of weight, of bias; nullptr where nobody wants them */
  bool bias;
  mb_dropout dropout;
};

struct row_range {
  int64_t first, end;
};

} // namespace

static __device__ row_range rows_of_block(const backward_rows &n) {
  const int64_t first = blockIdx.x * n.rows_per_block;
  return {first, first + n.rows_per_block < n.rows ? first + n.rows_per_block : n.rows};
}

/* Sums over rows, of each warp for itself: in shared memory, because the row fills the registers. */
template <int Packs> using column_sums = float[row_warps][Packs * 32 * pack_size];

/* Of this thread's element i of pack p: neighbouring lanes have neighbouring places. */
template <int Packs> static __device__ float &sum_at(column_sums<Packs> &sums, int p, int i) {
  return sums[threadIdx.x / 32][(i * Packs + p) * 32 + threadIdx.x % 32];
}

/* Adds the warps' sums in order. */
template <int Packs> static __device__ void store_partial(float *to, int64_t width, const column_sums<Packs> &sums) {
  for (int c = threadIdx.x; c < width; c += row_threads) {
    const int pack = c / pack_size, place = (c % pack_size * Packs + pack / 32) * 32 + pack % 32;
    float total = 0;
    for (int warp = 0; warp < row_warps; warp++) total += sums[warp][place];
    to[c] = total;
  }
}

/* How many blocks' registers a multiprocessor should hold; src/fused/layer-norm.ts has 132 times as many blocks. */
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
constexpr int packs_for_three = 2; /* of more the registers would spill there */
#else
constexpr int packs_for_three = 3;
#endif
constexpr int resident(int packs) { return packs <= packs_for_three ? 3 : 2; }

/* A warp per row of up to Packs · 256 columns, a multiple of 8. */
template <int Packs, bool Bias>
static __global__ void __launch_bounds__(row_threads, resident(Packs)) backward_by_warps(backward_rows n) {
  const row_range range = rows_of_block(n);
  const auto column_of = [&](int p) { return (p * 32 + (int)threadIdx.x % 32) * pack_size; };
  /* Of the weight's gradient, then of the bias's. */
  MB_SHARED(float, sums, [1 + Bias][row_warps][Packs * 32 * pack_size]);
  for (int p = 0; p < Packs; p++)
    for (int i = 0; i < pack_size; i++)
      for (auto &one : sums) sum_at<Packs>(one, p, i) = 0;
  for (int64_t row = range.first + threadIdx.x / 32; row < range.end; row += row_warps) {
    const int64_t base = row * n.width;
    mb_pack x[Packs], grad_y[Packs];
#pragma unroll
    for (int p = 0; p < Packs; p++) {
      if (column_of(p) >= n.width) continue;
      x[p] = fetch(n.x, base + column_of(p));
      grad_y[p] = fetch(n.grad_y, base + column_of(p));
    }
    const float mean = n.stats[2 * row], scale = n.stats[2 * row + 1];
    float normal[Packs][pack_size], weighted[Packs][pack_size], total = 0, dot = 0;
#pragma unroll
    for (int p = 0; p < Packs; p++) {
      if (column_of(p) >= n.width) continue;
      widen(x[p], n.x.dtype, normal[p]);
      widen(grad_y[p], n.grad_y.dtype, weighted[p]);
      for (int i = 0; i < pack_size; i++) {
        normal[p][i] = (normal[p][i] - mean) * scale;
        sum_at<Packs>(sums[0], p, i) += weighted[p][i] * normal[p][i];
        if (Bias) sum_at<Packs>(sums[Bias], p, i) += weighted[p][i];
      }
    }
#pragma unroll
    for (int p = 0; p < Packs; p++) {
      if (column_of(p) >= n.width) continue;
      float weight[pack_size];
      load_pack(n.weight, column_of(p), weight);
      for (int i = 0; i < pack_size; i++) {
        weighted[p][i] *= weight[i];
        total += weighted[p][i];
        dot += weighted[p][i] * normal[p][i];
      }
    }
    if (!n.grad_x.data && !n.grad_delta.data) continue;
    const float mean_grad = join_warp<sum>(total) * n.share, mean_dot = join_warp<sum>(dot) * n.share;
#pragma unroll
    for (int p = 0; p < Packs; p++) {
      if (column_of(p) >= n.width) continue;
      const int64_t at = base + column_of(p);
      float grad[pack_size] = {};
      if (n.grad_sum.data) load_pack(n.grad_sum, at, grad);
      for (int i = 0; i < pack_size; i++) grad[i] += (weighted[p][i] - mean_grad - normal[p][i] * mean_dot) * scale;
      if (n.grad_x.data) store_pack(n.grad_x, at, grad);
      if (!n.grad_delta.data) continue;
      if (n.dropout.rate > 0) drop_pack(n.dropout, at, grad);
      store_pack(n.grad_delta, at, grad);
    }
  }
  if (!n.partials) return;
  __syncthreads();
  float *to = n.partials + 2 * blockIdx.x * n.width;
  store_partial<Packs>(to, n.width, sums[0]);
  if (Bias) store_partial<Packs>(to + n.width, n.width, sums[Bias]);
}

/* A block per row, one row after another: any width, any alignment, with or without grad y. A column is always the same thread's. */
static __global__ void __launch_bounds__(block_threads) backward_by_blocks(backward_rows n) {
  MB_SHARED(float, total_parts, [32]);
  MB_SHARED(float, dot_parts, [32]);
  const int width = (int)n.width;
  const row_range range = rows_of_block(n);
  float *const grad_weight = n.partials + 2 * blockIdx.x * n.width, *const grad_bias = grad_weight + n.width;
  if (n.partials)
    for (int c = threadIdx.x; c < width; c += block_threads) grad_weight[c] = grad_bias[c] = 0;
  for (int64_t row = range.first; row < range.end; row++) {
    const int64_t base = row * n.width;
    const float mean = n.stats[2 * row], scale = n.stats[2 * row + 1];
    const auto grad_y_of = [&](int c) { return n.grad_y.data ? load(n.grad_y, base + c) : 0; };
    float total = 0, dot = 0;
    for (int c = threadIdx.x; c < width; c += block_threads) {
      const float normal = (load(n.x, base + c) - mean) * scale, grad_y = grad_y_of(c), weighted = grad_y * load(n.weight, c);
      total += weighted;
      dot += weighted * normal;
      if (n.partials) grad_weight[c] += grad_y * normal, grad_bias[c] += grad_y;
    }
    const float mean_grad = join_block<sum>(total, total_parts) * n.share, mean_dot = join_block<sum>(dot, dot_parts) * n.share;
    for (int c = threadIdx.x; c < width; c += block_threads) {
      const int64_t at = base + c;
      const float normal = (load(n.x, at) - mean) * scale, weighted = grad_y_of(c) * load(n.weight, c);
      const float grad = (n.grad_sum.data ? load(n.grad_sum, at) : 0) + (weighted - mean_grad - normal * mean_dot) * scale;
      if (n.grad_x.data) store(n.grad_x, at, grad);
      if (n.grad_delta.data) store(n.grad_delta, at, n.dropout.rate > 0 ? drop_one(n.dropout, at, grad) : grad);
    }
  }
}

constexpr int adding_groups = 16;

/* Adds the partial rows: for 32 columns of weight (or bias) 16 warps take every 16th row, then the warps are added in order. */
static __global__ void __launch_bounds__(32 * adding_groups) add_partials(const float *partials, int64_t blocks, int64_t width, mb_dense weight, mb_dense bias) {
  MB_SHARED(float, sums, [adding_groups][32]);
  const mb_dense to = {blockIdx.y == 0 ? weight.data : bias.data, blockIdx.y == 0 ? weight.dtype : bias.dtype};
  const int lane = threadIdx.x % 32, group = threadIdx.x / 32;
  const int64_t column = (int64_t)blockIdx.x * 32 + lane;
  float total = 0;
  if (to.data && column < width)
    for (int64_t block = group; block < blocks; block += adding_groups) total += partials[(2 * block + blockIdx.y) * width + column];
  sums[group][lane] = total;
  __syncthreads();
  if (group > 0 || !to.data || column >= width) return;
  for (int other = 1; other < adding_groups; other++) total += sums[other][lane];
  store(to, column, total);
}

/* views: grad x, grad delta, grad weight, grad bias (each may be absent), grad y, grad sum (one may be absent), x (the sum, where there was a
 * delta), stats [T, 2], weight, step (or absent), partials (absent where neither the weight's nor the bias's gradient is wanted); attributes: rows
 * of a block, rate of the dropout, its key and counter. */
void op_layer_norm_backward(const mb_call &call) {
  const mb_view *v = call.views;
  const mb_dense grad_weight = dense(v[2]), grad_bias = dense(v[3]);
  const backward_rows n = {v[6].shape[0], v[6].shape[1], (int64_t)call.attributes[0], 1 / (float)v[6].shape[1], dense(v[0]), dense(v[1]), dense(v[4]), dense(v[5]), dense(v[6]), dense(v[8]),
                           (const float *)v[7].data, (float *)v[10].data, grad_bias.data != nullptr, dropout_of(call.attributes + 1, v[9])};
  const int64_t blocks = (n.rows + n.rows_per_block - 1) / n.rows_per_block;
  bool packs = n.width % pack_size == 0 && n.width <= most_warp_width && n.grad_y.data;
  for (const mb_dense &x : {n.grad_x, n.grad_delta, n.grad_y, n.grad_sum, n.x, n.weight}) packs = packs && holds_packs(x);
  if (blocks > 0 && packs) {
    const auto with_bias = n.width <= 512 ? backward_by_warps<2, true> : n.width <= 768 ? backward_by_warps<3, true> : backward_by_warps<4, true>;
    const auto without = n.width <= 512 ? backward_by_warps<2, false> : n.width <= 768 ? backward_by_warps<3, false> : backward_by_warps<4, false>;
    launch(n.bias ? with_bias : without, blocks, row_threads, call.stream, n);
  } else if (blocks > 0) launch(backward_by_blocks, blocks, block_threads, call.stream, n);
  if (n.partials && n.width > 0)
    launch(add_partials, mb_grid((n.width + 31) / 32, 2), 32 * adding_groups, call.stream, (const float *)n.partials, blocks, n.width, grad_weight, grad_bias);
}
