/* Tiles of f32 in shared memory and their products, without tensor cores: a block of 16 x 16 threads, of which thread (y, x) has rows
 * y · side … of a product and columns x, x + 16, …: the threads of a row are half of a warp. */
#ifndef MB_ATTENTION_F32_TILE_H
#define MB_ATTENTION_F32_TILE_H

#include "kernels/attention/dropout.h"
#include "kernels/attention/rotary.h"
#include "kernels/attention/visits.h"

/* For heads of up to D numbers; what a narrower head lacks is 0. */
template <int D_> struct mb_f32_shape {
  static constexpr int D = D_, threads = 256, rows = D <= 64 ? 64 : 32, side = rows / 16, columns = D / 16;
  /* Floats from one row to the next: multiples of 4 that are none of 32. */
  static constexpr int stride = D + 4, weight_stride = rows + 4;
  static constexpr int tile = rows * stride, weights = rows * weight_stride;
  static constexpr int bytes(int tiles) { return (tiles * tile + weights) * (int)sizeof(float); }
};

MB_INLINE int thread_x() { return (int)threadIdx.x % 16; }
MB_INLINE int thread_y() { return (int)threadIdx.x / 16; }

/* The sum, or the largest, of the threads of a row. */
MB_INLINE float sum_of_16(float value) {
  for (int distance = 8; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffff, value, distance);
  return value;
}

MB_INLINE float largest_of_16(float value) {
  for (int distance = 8; distance > 0; distance /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffff, value, distance));
  return value;
}

/* Column `c` of a row at `position`, turned (sign 1) or turned back (sign -1). */
MB_INLINE float turned(const mb_attention &p, const float *row, int c, int position, float sign) {
  const int half = p.width / 2, pair = c < half ? c : c - half;
  const int64_t angle = angles_of(p, position) + pair;
  const float sine = sign * p.sin[angle];
  return c < half ? row[c] * p.cos[angle] - row[c + half] * sine : row[c] * p.cos[angle] + row[c - half] * sine;
}

/* Rows `first` on of a matrix whose row 0 is `from`, zeros from row `end` on. */
template <typename S>
static __device__ __forceinline__ void load_rows(const mb_attention &p, float *to, const float *from, int64_t stride, int first, int end, bool turns) {
  for (int at = (int)threadIdx.x; at < S::rows * S::D; at += S::threads) {
    const int row = at / S::D, c = at % S::D;
    const float *const source = from + (first + row) * stride;
    float value = 0;
    if (first + row < end && c < p.width) value = turns && p.cos ? turned(p, source, c, first + row, 1) : source[c];
    to[row * S::stride + c] = value;
  }
}

/* to = a·bᵀ */
template <typename S> static __device__ __forceinline__ void multiply_rows(float (&to)[S::side][S::side], const float *a, const float *b) {
  const float *const left = a + thread_y() * S::side * S::stride, *const right = b + thread_x() * S::stride;
#pragma unroll
  for (int i = 0; i < S::side * S::side; i++) to[i / S::side][i % S::side] = 0;
#pragma unroll 2
  for (int k = 0; k < S::D; k += 4) {
    float4 y[S::side];
#pragma unroll
    for (int j = 0; j < S::side; j++) y[j] = *reinterpret_cast<const float4 *>(right + 16 * j * S::stride + k);
#pragma unroll
    for (int i = 0; i < S::side; i++) {
      const float4 x = *reinterpret_cast<const float4 *>(left + i * S::stride + k);
#pragma unroll
      for (int j = 0; j < S::side; j++) to[i][j] += x.x * y[j].x + x.y * y[j].y + x.z * y[j].z + x.w * y[j].w;
    }
  }
}

/* sums += weights·b, or weightsᵀ·b. */
template <typename S, bool TRANSPOSED>
static __device__ __forceinline__ void add_rows(float (&sums)[S::side][S::columns], const float *weights, const float *b) {
  const float *const left = weights + thread_y() * S::side * (TRANSPOSED ? 1 : S::weight_stride), *const right = b + thread_x();
#pragma unroll 2
  for (int k = 0; k < S::rows; k++)
#pragma unroll
    for (int j = 0; j < S::columns; j++) {
      const float y = right[k * S::stride + 16 * j];
#pragma unroll
      for (int i = 0; i < S::side; i++) sums[i][j] += left[TRANSPOSED ? k * S::weight_stride + i : i * S::weight_stride + k] * y;
    }
}

/* This thread's part of a matrix of weights. */
template <typename S> static __device__ __forceinline__ void put_weights(float *to, const float (&weights)[S::side][S::side]) {
#pragma unroll
  for (int i = 0; i < S::side; i++)
#pragma unroll
    for (int j = 0; j < S::side; j++) to[(thread_y() * S::side + i) * S::weight_stride + thread_x() + 16 * j] = weights[i][j];
}

/* Stores part 0 (q), 1 (k) or 2 (v) of grad_qkv, turned back where it was turned. The threads of a row exchange it in `tile`, which nobody
 * else uses any more. */
template <typename S, int PART>
static __device__ __forceinline__ void store_gradient(const mb_attention &p, const mb_slot &slot, const float (&sums)[S::side][S::columns], float scale,
                                                      float *tile) {
  float *const to = (float *)p.grad_qkv + slot.start * p.qkv_stride() + PART * p.out_stride() + (int64_t)blockIdx.y * p.width;
#pragma unroll
  for (int i = 0; i < S::side; i++)
#pragma unroll
    for (int j = 0; j < S::columns; j++) tile[(thread_y() * S::side + i) * S::stride + thread_x() + 16 * j] = sums[i][j] * scale;
  __syncwarp();
  for (int i = 0; i < S::side; i++) {
    const int own = thread_y() * S::side + i, row = slot.first + own;
    const float *const values = tile + own * S::stride;
    for (int c = thread_x(); c < p.width && row < slot.length; c += 16)
      to[row * p.qkv_stride() + c] = PART < 2 && p.cos ? turned(p, values, c, row, -1) : values[c];
  }
}

/* Calls `run(shape)` for the width of the heads. */
template <typename Run> void for_width(const mb_attention &p, const Run &run) {
  if (p.width <= 32) run(mb_f32_shape<32>());
  else if (p.width <= 64) run(mb_f32_shape<64>());
  else run(mb_f32_shape<128>());
}

#endif
