/* Tiles of q, k, v and gradients in shared memory: rows of D numbers of 16 bits, their chunks of 16 bytes permuted so that neither copies nor
 * loads of matrices meet in a bank. Fragments of them are the operands of mma, as simt/warp.h lays them out. */
#ifndef MB_ATTENTION_TILE_H
#define MB_ATTENTION_TILE_H

#include "simt/async_copy.h"
#include "simt/warp.h"

template <int D> struct mb_tile {
  static constexpr int chunks = D / 8, slices = D / 16;
  mb_place at;
  unsigned char *data; /* the same place */

  MB_CLOSE static constexpr int bytes(int rows) { return rows * D * 2; }

  __device__ mb_tile after(int rows) const { return {at + bytes(rows), data + bytes(rows)}; }

  /* Bytes from the tile's begin to a chunk. Rows of 64 bytes lie two and two in the 32 banks. */
  static __device__ unsigned offset(int row, int chunk) { return (unsigned)(row * D * 2 + ((D >= 64 ? chunk ^ (row & 7) : chunk ^ (row >> 1 & 3)) << 4)); }

  __device__ mb_place place(int row, int chunk) const { return at + offset(row, chunk); }
  __device__ uint4 *chunk(int row, int chunk) const { return reinterpret_cast<uint4 *>(data + offset(row, chunk)); }
};

/* Chunks that a thread copies: `body(row, chunk)` stands for that chunk and the one half a row further, the other half of its rotary pairs. */
template <int D, int ROWS, int THREADS, int UNROLLED, typename Body> static __device__ __forceinline__ void own_chunks(const Body &body) {
  constexpr int half = D / 16;
  static_assert(ROWS * half % THREADS == 0, "every thread has as many");
#pragma unroll UNROLLED
  for (int i = 0; i < ROWS * half / THREADS; i++) {
    const int at = i * THREADS + (int)threadIdx.x;
    body(at / half, at % half);
  }
}

/* Begins to copy rows `first` to `first + ROWS - 1`, with zeros from row `end` on. `from` is row 0; `stride` counts numbers. */
template <int D, int ROWS, int THREADS>
static __device__ __forceinline__ void copy_rows(const mb_tile<D> &to, const uint16_t *from, int64_t stride, int first, int end) {
  constexpr int half = D / 16;
  const uint16_t *source = from + (first + (int)threadIdx.x / half) * stride + (int)threadIdx.x % half * 8;
  own_chunks<D, ROWS, THREADS, 2>([&](int row, int chunk) {
    const bool inside = first + row < end;
    copy_or_clear(to.place(row, chunk), source, inside);
    copy_or_clear(to.place(row, chunk + half), source + D / 2, inside);
    source += THREADS / half * stride;
  });
}

/* 16 rows by slice `k` of 16 columns, as `a`. */
template <int D> static __device__ __forceinline__ void load_a(uint32_t (&a)[4], const mb_tile<D> &tile, int row, int k) {
  const int lane = (int)threadIdx.x % 32;
  load_matrices(a, tile.place(row + lane % 16, 2 * k + lane / 16));
}

/* Two operands `b` with k along the tile's columns: slice `k`, and the columns of d along rows `row` to `row + 15`. */
template <int D> static __device__ __forceinline__ void load_b(uint32_t (&b)[4], const mb_tile<D> &tile, int row, int k) {
  const int lane = (int)threadIdx.x % 32;
  load_matrices(b, tile.place(row + lane / 16 * 8 + lane % 8, 2 * k + lane / 8 % 2));
}

/* Two operands `b` with k along rows `row` to `row + 15`, and the columns of d along columns 16n to 16n + 15. */
template <int D> static __device__ __forceinline__ void load_b_across(uint32_t (&b)[4], const mb_tile<D> &tile, int row, int n) {
  const int lane = (int)threadIdx.x % 32;
  load_transposed(b, tile.place(row + lane % 16, 2 * n + lane / 16));
}

/* The operand `a` whose 16 columns are columns of two neighbouring d. */
template <typename T> static __device__ __forceinline__ void pack_a(uint32_t (&a)[4], const float (&left)[4], const float (&right)[4]) {
  a[0] = T::pack(left[0], left[1]);
  a[1] = T::pack(left[2], left[3]);
  a[2] = T::pack(right[0], right[1]);
  a[3] = T::pack(right[2], right[3]);
}

/* Stores 16 rows of the warp, `to` being the first and `count` of them there, whole chunks at a time. The tile's rows `row` to `row + 15` are the
 * warp's own and nobody reads them any more. */
template <typename T, int D>
static __device__ __forceinline__ void store_rows(uint16_t *to, int64_t stride, int count, const mb_tile<D> &tile, int row, const float (&d)[D / 8][4]) {
  const int lane = (int)threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
  for (int n = 0; n < D / 8; n++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      uint32_t *const chunk = reinterpret_cast<uint32_t *>(tile.chunk(row + g + 8 * half, n));
      chunk[t] = T::pack(d[n][2 * half], d[n][2 * half + 1]);
    }
  __syncwarp();
#pragma unroll
  for (int i = 0; i < D / 16; i++) {
    const int at = i * 32 + lane, r = at / (D / 8), c = at % (D / 8);
    if (r < count) *reinterpret_cast<uint4 *>(to + r * stride + c * 8) = *tile.chunk(row + r, c);
  }
}

#endif
