/* How mb_gemm_fma's tiles reach the result, as they are or turned by transposes in registers. */
#include "gemm/fma.h"
#include "simd/transpose.h"

/* Rows of memory are lines of the tile. */
static void store_lines(const mb_fma_target *t, int64_t lines, int64_t lanes, const float *sums) {
  const vf alpha = v_set(t->alpha);
  for (int64_t line = 0; line < lines; line++)
    for (int64_t lane = 0; lane < lanes; lane += VL) {
      const int64_t n = MB_MIN(VL, lanes - lane);
      float *at = t->c + line * t->stride + lane;
      const vf value = alpha * v_load(sums + line * MB_FMA_LANES + lane);
      v_store_n(at, t->add ? v_load_n(at, n) + value : value, n);
    }
}

/* Rows of memory are lanes of the tile. Lines come VL at a time; what `sums` holds beyond the last one is turned too and not stored. */
static void store_turned(const mb_fma_target *t, int64_t lines, int64_t lanes, const float *sums) {
  const vf alpha = v_set(t->alpha);
  for (int64_t line = 0; line < lines; line += VL)
    for (int64_t lane = 0; lane < lanes; lane += VL) {
      const int64_t n = MB_MIN(VL, lines - line), rows = MB_MIN(VL, lanes - lane);
      vf block[VL];
#pragma GCC unroll 16
      for (int i = 0; i < VL; i++) block[i] = alpha * v_load(sums + (line + i) * MB_FMA_LANES + lane);
      v_transpose(block);
      float *at = t->c + lane * t->stride + line;
#pragma GCC unroll 16
      for (int i = 0; i < VL; i++, at += t->stride)
        if (i < rows) v_store_n(at, t->add ? v_load_n(at, n) + block[i] : block[i], n);
    }
}

void MB_FN(mb_fma_store)(const mb_fma_target *target, int64_t lines, int64_t lanes, const float *sums) {
  (target->turned ? store_turned : store_lines)(target, lines, lanes, sums);
}

void MB_FN(mb_fma_expect)(const mb_fma_target *target, int64_t lines, int64_t lanes) {
  const int64_t rows = target->turned ? lanes : lines, width = target->turned ? lines : lanes;
  for (int64_t row = 0; row < rows; row++) {
    const float *at = target->c + row * target->stride;
    for (int64_t i = 0; i < width; i += 16) __builtin_prefetch(at + i, 1);
    __builtin_prefetch(at + width - 1, 1);
  }
}
