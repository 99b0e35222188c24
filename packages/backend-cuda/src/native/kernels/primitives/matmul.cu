/* matmul and linear: by cuBLASLt what it takes (products/gemm.h); all else in tiles of 64 x 64, summed in f32 over steps of 16, where 256
 * threads hold 4 x 4 sums each. Any strides. */
#include "engine/call.h"
#include "products/products.h"

constexpr int tile = 64, depth = 16, side = 4, tile_threads = 256;

struct product {
  mb_view out, a, b;                  /* the batch axes; data and dtype */
  int64_t rows, columns, inner;
  int64_t out_row, out_column, a_row, a_inner, b_inner, b_column; /* strides */
  int64_t row_tiles, tiles; /* tiles: of one product */
  float alpha;
  int accumulate;
  mb_view bias; /* [columns], where alpha is 1; data is NULL where there is none */
};

/* Step `from` of the depth: `tile` lines of an operand, zeros beyond its end. Stored [depth][line]. */
static __device__ void load_lines(float (&to)[depth][tile + 1], const mb_view &view, int64_t base, int64_t first, int64_t lines, int64_t line_stride,
                                  int64_t from, int64_t inner, int64_t inner_stride) {
  for (int i = threadIdx.x; i < depth * tile; i += tile_threads) {
    /* Neighbouring threads read what lies together. */
    const int line = line_stride <= inner_stride ? i % tile : i / depth, k = line_stride <= inner_stride ? i / tile : i % depth;
    const bool inside = first + line < lines && from + k < inner;
    to[k][line] = inside ? load_f32(view.data, view.dtype, base + (first + line) * line_stride + (from + k) * inner_stride) : 0;
  }
}

static __global__ void __launch_bounds__(tile_threads) matmul_kernel(product p) {
  MB_SHARED(float, lines_a, [depth][tile + 1]);
  MB_SHARED(float, lines_b, [depth][tile + 1]);
  const int64_t batch = blockIdx.x / p.tiles, index = blockIdx.x % p.tiles;
  const int64_t row = index % p.row_tiles * tile, column = index / p.row_tiles * tile;
  const int64_t base_a = offset_of(p.a, batch), base_b = offset_of(p.b, batch), base_out = offset_of(p.out, batch);
  const int first_row = threadIdx.x / (tile / side), first_column = threadIdx.x % (tile / side);
  float sums[side][side];
#pragma unroll
  for (int j = 0; j < side; j++) {
    const int64_t c = column + first_column + j * (tile / side);
    const float first = p.bias.data && c < p.columns ? load_f32(p.bias.data, p.bias.dtype, c * p.bias.stride[0]) : 0;
#pragma unroll
    for (int i = 0; i < side; i++) sums[i][j] = first;
  }
  for (int64_t from = 0; from < p.inner; from += depth) {
    load_lines(lines_a, p.a, base_a, row, p.rows, p.a_row, from, p.inner, p.a_inner);
    load_lines(lines_b, p.b, base_b, column, p.columns, p.b_column, from, p.inner, p.b_inner);
    __syncthreads();
    for (int k = 0; k < depth; k++)
#pragma unroll
      for (int i = 0; i < side; i++)
#pragma unroll
        for (int j = 0; j < side; j++) sums[i][j] += lines_a[k][first_row + i * (tile / side)] * lines_b[k][first_column + j * (tile / side)];
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < side; i++)
#pragma unroll
    for (int j = 0; j < side; j++) {
      const int64_t r = row + first_row + i * (tile / side), c = column + first_column + j * (tile / side);
      if (r >= p.rows || c >= p.columns) continue;
      const int64_t at = base_out + r * p.out_row + c * p.out_column;
      const float value = p.alpha * sums[i][j];
      store_f32(p.out.data, p.out.dtype, at, p.accumulate ? value + load_f32(p.out.data, p.out.dtype, at) : value);
    }
}

/* out = alpha · a · b + bias, which may be NULL. */
static void multiply(const mb_call &call, const mb_view &out, const mb_view &a, const mb_view &b, const mb_view *bias, float alpha, bool accumulate) {
  if (size_of(out) == 0) return;
  mb_gemm gemm;
  if (call.products->opened() && mb_gemm_of(out, a, b, bias, gemm)) {
    gemm.alpha = alpha, gemm.accumulate = accumulate;
    return call.products->multiply(gemm, call.stream);
  }
  product p;
  p.out = out, p.a = a, p.b = b, p.bias = bias ? *bias : mb_view{};
  const int32_t rank = p.out.rank - 2;
  p.rows = p.out.shape[rank], p.columns = p.out.shape[rank + 1], p.inner = p.a.shape[rank + 1];
  p.out_row = p.out.stride[rank], p.out_column = p.out.stride[rank + 1];
  p.a_row = p.a.stride[rank], p.a_inner = p.a.stride[rank + 1];
  p.b_inner = p.b.stride[rank], p.b_column = p.b.stride[rank + 1];
  p.alpha = alpha;
  p.accumulate = accumulate;
  for (mb_view *view : {&p.out, &p.a, &p.b}) {
    view->rank = rank;
    for (int32_t axis = 0; axis < rank; axis++) view->shape[axis] = p.out.shape[axis];
  }
  p.row_tiles = (p.rows + tile - 1) / tile;
  p.tiles = p.row_tiles * ((p.columns + tile - 1) / tile);
  launch(matmul_kernel, (unsigned)(p.tiles * size_of(p.out)), tile_threads, call.stream, p);
}

/* views: out [B…, M, N], a [B…, M, K], b [B…, K, N]; attributes: alpha, accumulate. */
void op_matmul(const mb_call &call) {
  multiply(call, call.views[0], call.views[1], call.views[2], nullptr, (float)call.attributes[0], call.attributes[1] != 0);
}

/* views: y [T, n], x [T, k], weight [n, k], bias [n]. */
void op_linear(const mb_call &call) {
  mb_view weight = call.views[2];
  std::swap(weight.shape[0], weight.shape[1]);
  std::swap(weight.stride[0], weight.stride[1]);
  multiply(call, call.views[0], call.views[1], weight, &call.views[3], 1, false);
}
