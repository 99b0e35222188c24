/* The 64 rows of a warpgroup in attention. A thread has rows g and g + 8 of its warp's 16. */
#ifndef MB_SM90_ATTENTION_ROWS_H
#define MB_SM90_ATTENTION_ROWS_H

#include "kernels/attention/rotary.h"
#include "kernels/sm90/pack.h"
#include "kernels/sm90/product.h"

#ifdef MB_HOPPER

/* One number for each of a thread's two rows. */
struct mb_row_pair {
  float of[2];
};

/* A thread's first row of the 64. */
MB_DEVICE int own_row() { return threadIdx.x % warpgroup_threads / 32 * 16 + threadIdx.x % 32 / 4; }

/* Over the four threads of a row. */
MB_DEVICE float row_max(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xffffffff, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xffffffff, value, 2));
}

MB_DEVICE float row_sum(float value) {
  value += __shfl_xor_sync(0xffffffff, value, 1);
  return value + __shfl_xor_sync(0xffffffff, value, 2);
}

/* 64 rows of a tile as register operands, turned. Row 0 is `first` of the sequence. */
MB_DEVICE void read_turned(const mb_attention &p, unsigned char *rows, int first, uint32_t (&to)[4][4]) {
  const int t = threadIdx.x % 4;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int row = own_row() + i % 2 * 8;
#pragma unroll
    for (int k = 0; k < 4; k++) to[k][i] = ((const uint32_t *)chunk_at(rows, row, 2 * k + i / 2))[t];
    if (!p.cos) continue;
#pragma unroll
    for (int k = 0; k < 2; k++) {
      const int64_t angles = angles_of(p, first + row) + 16 * k + i / 2 * 8 + 2 * t;
      const float2 c = *(const float2 *)(p.cos + angles), s = *(const float2 *)(p.sin + angles);
      turn_pairs<mb_bf16>(to[k][i], to[k + 2][i], c.x, c.y, s.x, s.y);
    }
  }
}

/* Turns a gradient back. */
MB_DEVICE void turn_back(const mb_attention &p, float (&d)[32], int first) {
  if (!p.cos) return;
#pragma unroll
  for (int v = 0; v < 2; v++) {
    const int64_t angles = angles_of(p, first + own_row() + 8 * v) + 2 * (threadIdx.x % 4);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const float c = p.cos[angles + i / 2 * 8 + i % 2], s = p.sin[angles + i / 2 * 8 + i % 2];
      float &x = d[i / 2 * 4 + 2 * v + i % 2], &y = d[i / 2 * 4 + 16 + 2 * v + i % 2];
      const float old = x;
      x = old * c + y * s;
      y = y * c - old * s;
    }
  }
}

/* Queues d = rows · tileᵀ, over 64 numbers; the tile has two rows for each register of d. */
template <int count> MB_DEVICE void multiply_rows(float (&d)[count], const uint32_t (&rows)[4][4], const unsigned char *tile) {
  const uint64_t b = matrix_descriptor(tile, 16, 8 * row_bytes, swizzle::bytes_128);
#pragma unroll
  for (unsigned k = 0; k < 4; k++) wgmma(d, rows[k], advance(b, k * depth_bytes), k > 0);
}

/* The same of rows in shared memory. */
template <int count> MB_DEVICE void multiply_rows(float (&d)[count], const unsigned char *rows, const unsigned char *tile) {
  const uint64_t a = matrix_descriptor(rows, 16, 8 * row_bytes, swizzle::bytes_128), b = matrix_descriptor(tile, 16, 8 * row_bytes, swizzle::bytes_128);
#pragma unroll
  for (unsigned k = 0; k < 4; k++) wgmma(d, advance(a, k * depth_bytes), advance(b, k * depth_bytes), k > 0);
}

/* Queues d (+)= weights · tile, over the tile's rows. */
template <int steps> MB_DEVICE void add_weighted(float (&d)[32], const uint32_t (&weights)[steps][4], const unsigned char *tile, bool add) {
  const uint64_t b = matrix_descriptor(tile, 16, 8 * row_bytes, swizzle::bytes_128);
#pragma unroll
  for (unsigned k = 0; k < steps; k++) wgmma<1>(d, weights[k], advance(b, k * 16 * row_bytes), add || k > 0);
}

/* Columns from `count` on are no keys. */
template <int count> MB_DEVICE void hide_columns(float (&scores)[count], int columns) {
  const int t = threadIdx.x % 4;
#pragma unroll
  for (int i = 0; i < count; i++)
    if (i / 4 * 8 + 2 * t + i % 2 >= columns) scores[i] = -INFINITY;
}

MB_DEVICE void scale_rows(float (&d)[32], const mb_row_pair &factor) {
#pragma unroll
  for (int i = 0; i < 32; i++) d[i] *= factor.of[i / 2 % 2];
}

/* Rows from `count` on become 0, whatever they are. */
MB_DEVICE void clear_rows(float (&d)[32], int count) {
#pragma unroll
  for (int i = 0; i < 32; i++)
    if (own_row() + i / 2 % 2 * 8 >= count) d[i] = 0;
}

/* Accumulators as operands, 16 columns each. */
template <int steps> MB_DEVICE void pack_weights(const float (&d)[8 * steps], uint32_t (&weights)[steps][4]) {
#pragma unroll
  for (int i = 0; i < 4 * steps; i++) weights[i / 4][i % 4] = pack(d + 2 * i);
}

/* Where 64 rows of 128 bytes go; those from `count` on are not stored. */
struct mb_out_rows {
  void *data;
  int64_t stride; /* bytes */
  int count;
};

/* Those of a tensor of tokens × `vectors` × 64, from a token on. */
MB_DEVICE mb_out_rows out_rows(void *data, int vectors, int vector, int token, int count) {
  const int64_t stride = (int64_t)vectors * row_bytes;
  return {(unsigned char *)data + token * stride + vector * row_bytes, stride, count};
}

/* Through `box`, shared memory of the warpgroup, each warp through its own rows. */
MB_DEVICE void store_rows(const float (&d)[32], unsigned char *box, const mb_out_rows &to) {
  const int first = threadIdx.x % warpgroup_threads / 32 * 16, lane = threadIdx.x % 32;
  __syncwarp();
#pragma unroll
  for (int chunk = 0; chunk < 8; chunk += 2) {
    const float *const at = d + 4 * chunk;
    store_matrices(chunk_at(box, first + lane % 16, chunk + lane / 16), pack(at), pack(at + 2), pack(at + 4), pack(at + 6));
  }
  __syncwarp();
#pragma unroll
  for (int step = 0; step < 16; step += 4) {
    const int row = first + step + lane / 8, chunk = lane % 8;
    if (row < to.count) *(uint4 *)((unsigned char *)to.data + row * to.stride + chunk * 16) = *(const uint4 *)chunk_at(box, row, chunk);
  }
}

#endif

#endif
