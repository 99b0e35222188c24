/* The micro-kernels of mb_gemm_fma, one per number of lines and of vectors, so that a tile's sums stay in registers. */
#include "gemm/fma.h"

/* Floats of a panel between a load and what is fetched into the L1 cache for later. */
#define AHEAD 128

#define INLINE static inline __attribute__((always_inline))

typedef void (*tile_kernel)(int64_t depth, const float *a, int64_t line_stride, int64_t depth_stride, const float *panel, const char *ahead,
                            int64_t ahead_step, float *sums);

INLINE void tile(int lines, int vectors, int64_t depth, const float *a, int64_t line_stride, int64_t depth_stride, const float *panel,
                 const char *ahead, int64_t ahead_step, float *sums) {
  vf sum[MB_FMA_LINES][MB_FMA_VECTORS];
#pragma GCC unroll 16
  for (int i = 0; i < lines; i++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) sum[i][v] = (vf){0};
#pragma GCC unroll 4
  for (int64_t k = 0; k < depth; k++) {
    vf y[MB_FMA_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) y[v] = v_load(panel + v * VL);
#pragma GCC unroll 4
    for (int v = 0; v < vectors * VL; v += 16) __builtin_prefetch(panel + AHEAD + v);
    __builtin_prefetch(ahead, 0, 2);
#pragma GCC unroll 16
    for (int i = 0; i < lines; i++) {
      const vf x = v_set(a[i * line_stride]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) sum[i][v] += x * y[v];
    }
    a += depth_stride;
    ahead += ahead_step;
    panel += vectors * VL;
  }
#pragma GCC unroll 16
  for (int i = 0; i < lines; i++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) v_store(sums + i * MB_FMA_LANES + v * VL, sum[i][v]);
}

#define KERNEL(lines, vectors)                                                                                                       \
  static void tile_##lines##x##vectors(int64_t depth, const float *a, int64_t line_stride, int64_t depth_stride, const float *panel, \
                                       const char *ahead, int64_t ahead_step, float *sums) {                                         \
    tile(lines, vectors, depth, a, line_stride, depth_stride, panel, ahead, ahead_step, sums);                                       \
  }
#if MB_FMA_VECTORS == 3
#define KERNELS(lines) KERNEL(lines, 1) KERNEL(lines, 2) KERNEL(lines, 3)
#define ENTRIES(lines) {tile_##lines##x1, tile_##lines##x2, tile_##lines##x3}
#else
#define KERNELS(lines) KERNEL(lines, 1) KERNEL(lines, 2)
#define ENTRIES(lines) {tile_##lines##x1, tile_##lines##x2}
#endif

KERNELS(1) KERNELS(2) KERNELS(3) KERNELS(4)
#if MB_FMA_LINES > 4
KERNELS(5) KERNELS(6)
#endif
#if MB_FMA_LINES > 6
KERNELS(7) KERNELS(8)
#endif
#if MB_FMA_LINES > 8
KERNELS(9) KERNELS(10) KERNELS(11) KERNELS(12) KERNELS(13) KERNELS(14)
#endif

static const tile_kernel kernels[MB_FMA_LINES][MB_FMA_VECTORS] = {
    ENTRIES(1), ENTRIES(2), ENTRIES(3), ENTRIES(4),
#if MB_FMA_LINES > 4
    ENTRIES(5), ENTRIES(6),
#endif
#if MB_FMA_LINES > 6
    ENTRIES(7), ENTRIES(8),
#endif
#if MB_FMA_LINES > 8
    ENTRIES(9), ENTRIES(10), ENTRIES(11), ENTRIES(12), ENTRIES(13), ENTRIES(14),
#endif
};

void MB_FN(mb_fma_multiply)(int64_t lines, int64_t lanes, int64_t depth, const float *a, int64_t line_stride, int64_t depth_stride,
                         const float *panel, const char *ahead, int64_t ahead_step, float *sums) {
  kernels[lines - 1][mb_ceil_div(lanes, VL) - 1](depth, a, line_stride, depth_stride, panel, ahead, ahead_step, sums);
}
