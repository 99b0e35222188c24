/* Small matrix products in registers, for kernels that keep their operands packed in cache (attention).
 *
 * A tile is `lines` × `vectors`·VL sums: acc[i][v] = Σ_j a[i·line_stride + j·step] · b[j·b_stride + v·VL …]. Calls are inlined with
 * constant `lines` and `vectors`, so that acc stays in registers. Numbers of lines are multiples of 4: tile_step says how to cut them. */
#ifndef MB_ATTENTION_TILE_H
#define MB_ATTENTION_TILE_H

#include "simd/simd.h"
#include "simd/transpose.h"

#define MB_INLINE static inline __attribute__((always_inline))

#if VL == 16 || defined(__aarch64__) /* 32 registers */
#define TILE_LINES 8
#else
#define TILE_LINES 6
#endif
#define TILE_VECTORS 2
#define TILE_LANES (TILE_VECTORS * VL)

/* The height of the next tile when `left` lines remain (a multiple of 4): TILE_LINES or 4. */
static inline int tile_step(int64_t left) { return left >= TILE_LINES && left != TILE_LINES + 2 ? TILE_LINES : 4; }

static inline int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/* Defines a product of that kind, `name`: FACTOR makes a vector of the element of a at an address, ADD(sum, left, right) is a step. */
#define TILE_PRODUCT(attributes, name, FACTOR, ADD)                                                                                            \
  attributes MB_INLINE void name(int lines, int vectors, int64_t n, const float *a, int64_t line_stride, int64_t step, const float *b,        \
                                 int64_t b_stride, vf acc[TILE_LINES][TILE_VECTORS]) {                                                        \
    _Pragma("GCC unroll 8") for (int i = 0; i < lines; i++)                                                                                    \
      _Pragma("GCC unroll 2") for (int v = 0; v < vectors; v++) acc[i][v] = v_set(0);                                                          \
    for (int64_t j = 0; j < n; j++) {                                                                                                          \
      vf right[TILE_VECTORS];                                                                                                                  \
      _Pragma("GCC unroll 2") for (int v = 0; v < vectors; v++) right[v] = v_load(b + j * b_stride + v * VL);                                  \
      _Pragma("GCC unroll 8") for (int i = 0; i < lines; i++) {                                                                                \
        const vf left = FACTOR(a + i * line_stride + j * step);                                                                                 \
        _Pragma("GCC unroll 2") for (int v = 0; v < vectors; v++) acc[i][v] = ADD(acc[i][v], left, right[v]);                                  \
      }                                                                                                                                        \
    }                                                                                                                                          \
  }

#define FLOAT_AT(address) v_set(*(address))
#define MULTIPLY_ADD(sum, left, right) ((sum) + (left) * (right))

/* Of f32. */
TILE_PRODUCT(, tile_product, FLOAT_AT, MULTIPLY_ADD)

/* Rows of one head lie pages apart, where no hardware prefetcher follows: asks for rows that will be read or written soon, into the L2
 * cache, as they would fall into few sets of the L1 cache. */
static inline void prefetch_rows(const float *from, int64_t stride, int64_t rows, int64_t dim) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t d = 0; d < dim; d += 16) __builtin_prefetch(from + r * stride + d, 0, 2);
}

/* to[d · to_stride + r] = scale · from[r · stride + d] for d < dim and r < TILE_LANES; rows from `rows` on are taken as 0. */
static inline void pack_transposed(float *to, int64_t to_stride, const float *from, int64_t stride, int64_t rows, int64_t dim, float scale) {
  for (int64_t first = 0; first < TILE_LANES; first += VL)
    for (int64_t d = 0; d < dim; d += VL) {
      int64_t width = dim - d < VL ? dim - d : VL;
      vf block[VL];
      for (int r = 0; r < VL; r++)
        block[r] = first + r < rows ? scale * v_load_n(from + (first + r) * stride + d, width) : v_set(0);
      v_transpose(block);
      for (int r = 0; r < width; r++) v_store(to + (d + r) * to_stride + first, block[r]);
    }
}

/* Copies `rows` rows of `dim` floats into rows of `width` ≥ dim floats, zeros behind them and in the rows up to `total`. */
static inline void pack_rows(float *to, int64_t width, const float *from, int64_t stride, int64_t rows, int64_t total, int64_t dim) {
  for (int64_t r = 0; r < rows; r++) {
    int64_t d = 0;
    for (; d + VL <= dim; d += VL) v_store(to + r * width + d, v_load(from + r * stride + d));
    if (d < dim) v_store_n(to + r * width + d, v_load_n(from + r * stride + d, dim - d), MB_MIN(VL, width - d));
  }
  if (total > rows) memset(to + rows * width, 0, (size_t)((total - rows) * width) * 4);
}

#endif
