/* Packing of panels for mb_gemm_fma: copies where rows are contiguous, transposes in registers where the depth is. */
#include "gemm/fma.h"
#include "base/convert.h"
#include "simd/transpose.h"

#define INLINE static inline __attribute__((always_inline))

/* `lanes` elements of each of `rows` rows, the first from `at` on, transposed: row[j] holds the j-th of each. */
INLINE void load_transposed(int32_t dtype, const void *from, int64_t at, int64_t row_stride, int64_t rows, int64_t lanes, vf row[VL]) {
  if (lanes == VL) {
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) row[i] = i < rows ? mb_load_float(dtype, from, at + i * row_stride, VL) : (vf){0};
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) row[i] = i < rows ? mb_load_float(dtype, from, at + i * row_stride, lanes) : (vf){0};
  }
  v_transpose(row);
}

/* The depth is contiguous: VL rows at a time, VL depths at a time. */
INLINE void pack_transposed(const void *from, int32_t dtype, int64_t row_stride, int64_t rows, int64_t width, int64_t depth,
                            float *to) {
  for (int64_t first = 0; first < width; first += VL) {
    const int64_t given = MB_MAX(0, MB_MIN(VL, rows - first)), kept = MB_MIN(VL, width - first);
    for (int64_t k = 0; k < depth; k += VL) {
      const int64_t lanes = MB_MIN(VL, depth - k);
      vf row[VL];
      load_transposed(dtype, from, first * row_stride + k, row_stride, given, lanes, row);
      float *at = to + k * width + first;
      if (kept == VL && lanes == VL)
#pragma GCC unroll 16
        for (int j = 0; j < VL; j++) v_store(at + j * width, row[j]);
      else
        for (int64_t j = 0; j < lanes; j++) v_store_n(at + j * width, row[j], kept);
    }
  }
}

void MB_FN(mb_fma_pack)(const void *from, int32_t dtype, int64_t row_stride, int64_t depth_stride, int64_t rows, int64_t width, int64_t depth, float *to) {
  const float *wide = from;
  if (dtype == MB_BF16) pack_transposed(from, MB_BF16, row_stride, rows, width, depth, to);
  else if (dtype == MB_F16) pack_transposed(from, MB_F16, row_stride, rows, width, depth, to);
  else if (depth_stride == 1) pack_transposed(from, MB_F32, row_stride, rows, width, depth, to);
  else
    for (int64_t k = 0; k < depth; k++)
      for (int64_t row = 0; row < width; row++) to[k * width + row] = row < rows ? wide[row * row_stride + k * depth_stride] : 0;
}

void MB_FN(mb_fma_pack_panels)(const float *from, int64_t depth_stride, int64_t panels, const int64_t *rows, const int64_t *widths, int64_t depth,
                                float *to) {
  for (int64_t k = 0; k < depth; k++) {
    const float *at = from + k * depth_stride;
    float *panel = to;
    for (int64_t i = 0; i < panels; i++) {
      float *to_k = panel + k * widths[i];
      int64_t first = 0;
      for (; first + VL <= rows[i]; first += VL) v_store(to_k + first, v_load(at + first));
      if (first < widths[i]) v_store_n(to_k + first, v_load_n(at + first, rows[i] - first), widths[i] - first);
      at += rows[i];
      panel += widths[i] * depth;
    }
  }
}
