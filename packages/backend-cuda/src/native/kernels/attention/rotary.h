/* Rotary embedding inside attention: a token's q and k turn by the angles of its index in the sequence (see the composite `rope`). */
#ifndef MB_ATTENTION_ROTARY_H
#define MB_ATTENTION_ROTARY_H

#include "kernels/attention/problem.h"
#include "kernels/attention/tile.h"

/* Where the angles of a token begin in the tables. A position beyond them is reported elsewhere. */
MB_INLINE int64_t angles_of(const mb_attention &p, int position) { return (int64_t)min(position, p.positions - 1) * (p.width / 2); }

/* Two pairs (x, y), turned by their angles. */
template <typename T> static __device__ __forceinline__ void turn_pairs(uint32_t &x, uint32_t &y, float c0, float c1, float s0, float s1) {
  float x0, x1, y0, y1;
  T::unpack(x, x0, x1);
  T::unpack(y, y0, y1);
  x = T::pack(x0 * c0 - y0 * s0, x1 * c1 - y1 * s1);
  y = T::pack(y0 * c0 + x0 * s0, y1 * c1 + x1 * s1);
}

/* Eight pairs of a token, beginning with pair 8 · chunk. */
template <typename T> static __device__ __forceinline__ void turn_chunks(const mb_attention &p, uint4 &left, uint4 &right, int position, int chunk) {
  const int64_t angles = angles_of(p, position) + chunk * 8;
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const float4 c = *reinterpret_cast<const float4 *>(p.cos + angles + 4 * i), s = *reinterpret_cast<const float4 *>(p.sin + angles + 4 * i);
    turn_pairs<T>(i ? left.z : left.x, i ? right.z : right.x, c.x, c.y, s.x, s.y);
    turn_pairs<T>(i ? left.w : left.y, i ? right.w : right.y, c.z, c.w, s.z, s.w);
  }
}

/* Turns the chunks of a tile of q or k that this thread copied; they must be there. Row 0 is the token at `first`; rows from `end` on stay 0.
 * UNROLLED chunks wait for their angles together. */
template <typename T, int D, int ROWS, int THREADS, int UNROLLED = 2>
static __device__ __forceinline__ void turn_rows(const mb_attention &p, const mb_source &source, const mb_tile<D> &tile, int first, int end) {
  if (!source.turns) return;
  own_chunks<D, ROWS, THREADS, UNROLLED>([&](int row, int chunk) {
    if (first + row >= end) return;
    uint4 left = *tile.chunk(row, chunk), right = *tile.chunk(row, chunk + D / 16);
    turn_chunks<T>(p, left, right, first + row, chunk);
    *tile.chunk(row, chunk) = left;
    *tile.chunk(row, chunk + D / 16) = right;
  });
}

/* Turns the gradient of 16 rows back; row 0 is the token at `first`, those from `end` on are not stored. */
template <int D> static __device__ __forceinline__ void turn_back(const mb_attention &p, float (&d)[D / 8][4], int first, int end) {
  if (!p.cos) return;
  const int g = (int)threadIdx.x % 32 / 4, t = (int)threadIdx.x % 4;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const int position = first + g + 8 * half;
    if (position >= end) continue;
    const int64_t angles = angles_of(p, position) + 2 * t;
#pragma unroll
    for (int n = 0; n < D / 16; n++) {
      const float2 c = *reinterpret_cast<const float2 *>(p.cos + angles + 8 * n), s = *reinterpret_cast<const float2 *>(p.sin + angles + 8 * n);
      float *const x = &d[n][2 * half], *const y = &d[n + D / 16][2 * half];
      const float x0 = x[0], x1 = x[1];
      x[0] = x0 * c.x + y[0] * s.x;
      x[1] = x1 * c.y + y[1] * s.y;
      y[0] = y[0] * c.x - x0 * s.x;
      y[1] = y[1] * c.y - x1 * s.y;
    }
  }
}

#endif
