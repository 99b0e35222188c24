/* The micro-kernels of mb_gemm, one per number of rows and of vectors, so that the tile of C stays in registers. */
#include "gemm_tiles.h"

#define INLINE static inline __attribute__((always_inline))

typedef void (*tile_kernel)(int64_t depth, const float *a, const float *b, float *c, int64_t c_row, int64_t columns, float alpha, int add);

INLINE void tile(int rows, int vectors, int64_t depth, const float *a, const float *b, float *c, int64_t c_row, int64_t columns, float alpha,
                 int add) {
  vf sum[MB_MR][MB_NV];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      sum[i][v] = (vf){0};
      __builtin_prefetch(c + i * c_row + v * VL, 1);
    }
#pragma GCC unroll 4
  for (int64_t k = 0; k < depth; k++) {
    vf y[MB_NV];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) y[v] = v_load(b + v * VL);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const vf x = v_set(a[i]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) sum[i][v] += x * y[v];
    }
    a += rows;
    b += vectors * VL;
  }
  const vf scale = v_set(alpha);
  if (columns == vectors * VL) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) {
        float *at = c + i * c_row + v * VL;
        v_store(at, add ? v_load(at) + scale * sum[i][v] : scale * sum[i][v]);
      }
    return;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      float *at = c + i * c_row + v * VL;
      const int64_t n = columns - v * VL < VL ? columns - v * VL : VL;
      v_store_n(at, add ? v_load_n(at, n) + scale * sum[i][v] : scale * sum[i][v], n);
    }
}

#define KERNEL(rows, vectors)                                                                                                  \
  static void tile_##rows##x##vectors(int64_t depth, const float *a, const float *b, float *c, int64_t c_row, int64_t columns, \
                                      float alpha, int add) {                                                                  \
    tile(rows, vectors, depth, a, b, c, c_row, columns, alpha, add);                                                           \
  }
#if MB_NV == 3
#define KERNELS(rows) KERNEL(rows, 1) KERNEL(rows, 2) KERNEL(rows, 3)
#define ENTRIES(rows) {tile_##rows##x1, tile_##rows##x2, tile_##rows##x3}
#else
#define KERNELS(rows) KERNEL(rows, 1) KERNEL(rows, 2)
#define ENTRIES(rows) {tile_##rows##x1, tile_##rows##x2}
#endif

KERNELS(1) KERNELS(2) KERNELS(3) KERNELS(4)
#if MB_MR > 4
KERNELS(5) KERNELS(6)
#endif
#if MB_MR > 6
KERNELS(7) KERNELS(8)
#endif
#if MB_MR > 8
KERNELS(9) KERNELS(10) KERNELS(11) KERNELS(12) KERNELS(13) KERNELS(14)
#endif

static const tile_kernel kernels[MB_MR][MB_NV] = {
    ENTRIES(1), ENTRIES(2), ENTRIES(3), ENTRIES(4),
#if MB_MR > 4
    ENTRIES(5), ENTRIES(6),
#endif
#if MB_MR > 6
    ENTRIES(7), ENTRIES(8),
#endif
#if MB_MR > 8
    ENTRIES(9), ENTRIES(10), ENTRIES(11), ENTRIES(12), ENTRIES(13), ENTRIES(14),
#endif
};

void MB_FN(mb_gemm_tile)(int64_t rows, int64_t columns, int64_t depth, const float *a, const float *b, float *c, int64_t c_row,
                         float alpha, int add) {
  kernels[rows - 1][(columns + VL - 1) / VL - 1](depth, a, b, c, c_row, columns, alpha, add);
}
