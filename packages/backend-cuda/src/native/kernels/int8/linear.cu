/* int8Linear: rows of x are rounded to bytes, each with a scale of its own, then multiplied with the weights' bytes in whole numbers, in tiles
 * of 64 x 64; 256 threads hold 4 x 4 sums each. */
#include "base/joins.h"
#include "engine/call.h"
#include "simt/arithmetic.h"

constexpr unsigned round_threads = 128;
constexpr float smallest = 1e-30f; /* rows that are smaller count as zeros */

static __device__ int32_t rounded(const float *x, int64_t depth, int64_t at, float inverse) {
  return at < depth ? (int32_t)rintf(__fmul_rn(x[at], inverse)) & 255 : 0;
}

/* A block per row. A row that is not finite becomes zeros worth NaN. */
static __global__ void __launch_bounds__(round_threads) round_rows(const float *x, int64_t depth, int64_t width, int32_t *words, float *scales) {
  MB_SHARED(float, parts, [32]);
  const float *const row = x + blockIdx.x * depth;
  float most = 0;
  bool broken = false;
  for (int64_t i = threadIdx.x; i < depth; i += round_threads) {
    most = fmaxf(most, fabsf(row[i]));
    broken |= !isfinite(row[i]);
  }
  most = join_block<largest>(most, parts);
  broken = __syncthreads_or(broken);
  const float inverse = !broken && most > smallest ? 127 / most : 0;
  for (int64_t i = threadIdx.x; i < width; i += round_threads) {
    uint32_t word = 0;
    for (int byte = 0; byte < 4 && !broken; byte++) word |= (uint32_t)rounded(row, depth, 4 * i + byte, inverse) << (8 * byte);
    words[blockIdx.x * width + i] = (int32_t)word;
  }
  if (threadIdx.x == 0) scales[blockIdx.x] = broken ? NAN : most / 127;
}

constexpr int tile = 64, depth_words = 16, side = 4;
constexpr unsigned tile_threads = 256;

struct bytes_product {
  float *y;
  const int32_t *x, *weight; /* [rows, width], [columns, width] */
  const float *row_scales, *scales, *bias;
  int64_t rows, columns, width;
};

/* Words from…from + 15 of 64 lines, zeros beyond their end. Stored [word][line]. */
static __device__ void load_words(int32_t (&to)[depth_words][tile + 1], const int32_t *lines, int64_t first, int64_t count, int64_t from, int64_t width) {
  for (int i = threadIdx.x; i < depth_words * tile; i += tile_threads) {
    const int line = i / depth_words, word = i % depth_words;
    to[word][line] = first + line < count && from + word < width ? lines[(first + line) * width + from + word] : 0;
  }
}

static __global__ void __launch_bounds__(tile_threads) multiply_bytes(const bytes_product p) {
  MB_SHARED(int32_t, words_x, [depth_words][tile + 1]);
  MB_SHARED(int32_t, words_w, [depth_words][tile + 1]);
  const int64_t row_tiles = (p.rows + tile - 1) / tile, first_row = blockIdx.x % row_tiles * tile, first_column = blockIdx.x / row_tiles * tile;
  const int row = threadIdx.x / (tile / side), column = threadIdx.x % (tile / side);
  int32_t sums[side][side] = {};
  for (int64_t from = 0; from < p.width; from += depth_words) {
    load_words(words_x, p.x, first_row, p.rows, from, p.width);
    load_words(words_w, p.weight, first_column, p.columns, from, p.width);
    __syncthreads();
    for (int word = 0; word < depth_words; word++)
#pragma unroll
      for (int i = 0; i < side; i++)
#pragma unroll
        for (int j = 0; j < side; j++) sums[i][j] = __dp4a(words_x[word][row + i * (tile / side)], words_w[word][column + j * (tile / side)], sums[i][j]);
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < side; i++)
#pragma unroll
    for (int j = 0; j < side; j++) {
      const int64_t r = first_row + row + i * (tile / side), c = first_column + column + j * (tile / side);
      if (r >= p.rows || c >= p.columns) continue;
      const float value = __fmul_rn(__fmul_rn((float)sums[i][j], p.scales[c]), p.row_scales[r]);
      p.y[r * p.columns + c] = p.bias ? __fadd_rn(value, p.bias[c]) : value;
    }
}

/* views: y [T, n], x [T, k], weight [n, k/4], scales [n], bias [n] (or absent), and memory for the bytes of x [T, k/4] and their scales [T]. */
void op_int8_linear(const mb_call &call) {
  const mb_view *v = call.views;
  const int64_t rows = v[0].shape[0], columns = v[0].shape[1], width = v[2].shape[1];
  if (rows == 0 || columns == 0) return;
  int32_t *const words = (int32_t *)v[5].data;
  float *const row_scales = (float *)v[6].data;
  launch(round_rows, rows, round_threads, call.stream, (const float *)v[1].data, v[1].shape[1], width, words, row_scales);
  const bytes_product p = {(float *)v[0].data,     words, (const int32_t *)v[2].data, row_scales, (const float *)v[3].data,
                           (const float *)v[4].data, rows,  columns,                    width};
  launch(multiply_bytes, (rows + tile - 1) / tile * ((columns + tile - 1) / tile), tile_threads, call.stream, p);
}
