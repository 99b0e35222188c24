/* warp.h for the emulator: the last lane to come computes for the whole warp, from the layouts that warp.h states. */
#ifndef MB_WARP_EMULATED_H
#define MB_WARP_EMULATED_H

#include <math.h>

#include "base/convert.h"
#include "simt/shared.h"

namespace simt {

struct matrix_rows {
  mb_place row;
  uint32_t *to;
};

/* COUNT matrices of 8 rows of 16 bytes, as they are or transposed. */
template <int COUNT, bool TRANSPOSED> void load_rows(void *const *lanes) {
  uint16_t matrix[COUNT][8][8];
  for (int row = 0; row < 8 * COUNT; row++) memcpy(matrix[row / 8][row % 8], at_place(static_cast<matrix_rows *>(lanes[row])->row, 16), 16);
  for (int lane = 0; lane < 32; lane++) {
    const int g = lane / 4, t = lane % 4;
    for (int m = 0; m < COUNT; m++) {
      const uint16_t low = TRANSPOSED ? matrix[m][2 * t][g] : matrix[m][g][2 * t];
      const uint16_t high = TRANSPOSED ? matrix[m][2 * t + 1][g] : matrix[m][g][2 * t + 1];
      static_cast<matrix_rows *>(lanes[lane])->to[m] = (uint32_t)high << 16 | low;
    }
  }
}

struct product_registers {
  float *d;
  const uint32_t *a;
  uint32_t b[2];
};

/* d += a·b; the products are exact, their sum is rounded once. */
template <float (*NUMBER)(uint16_t)> void multiply(void *const *lanes) {
  float a[16][16], b[8][16];
  const auto put = [](float *to, uint32_t packed) {
    to[0] = NUMBER((uint16_t)packed);
    to[1] = NUMBER((uint16_t)(packed >> 16));
  };
  for (int lane = 0; lane < 32; lane++) {
    const product_registers &r = *static_cast<product_registers *>(lanes[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; i++) put(&a[g + i % 2 * 8][2 * t + i / 2 * 8], r.a[i]);
    for (int i = 0; i < 2; i++) put(&b[g][2 * t + i * 8], r.b[i]);
  }
  for (int row = 0; row < 16; row++)
    for (int column = 0; column < 8; column++) {
      float &d = static_cast<product_registers *>(lanes[row % 8 * 4 + column / 2])->d[row / 8 * 2 + column % 2];
      double sum = d;
      for (int k = 0; k < 16; k++) sum += (double)a[row][k] * b[column][k];
      d = (float)sum;
    }
}

inline void find_holding(void *const *lanes) {
  unsigned holding = 0;
  for (int lane = 0; lane < 32; lane++) holding |= *static_cast<unsigned *>(lanes[lane]) << lane;
  for (int lane = 0; lane < 32; lane++) *static_cast<unsigned *>(lanes[lane]) = holding;
}

} // namespace simt

template <int COUNT> void load_matrices(uint32_t (&to)[COUNT], mb_place row) {
  simt::matrix_rows own = {row, to};
  simt::together(&own, simt::load_rows<COUNT, false>);
}

template <int COUNT> void load_transposed(uint32_t (&to)[COUNT], mb_place row) {
  simt::matrix_rows own = {row, to};
  simt::together(&own, simt::load_rows<COUNT, true>);
}

inline void mma_bf16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  simt::product_registers own = {d, a, {b0, b1}};
  simt::together(&own, simt::multiply<f32_of_bf16>);
}

inline void mma_f16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  simt::product_registers own = {d, a, {b0, b1}};
  simt::together(&own, simt::multiply<f32_of_f16>);
}

inline uint32_t pack_bf16(float low, float high) { return (uint32_t)bf16_of_f32(high) << 16 | bf16_of_f32(low); }
inline uint32_t pack_f16(float low, float high) { return (uint32_t)f16_of_f32(high) << 16 | f16_of_f32(low); }

inline void unpack_f16(uint32_t packed, float &low, float &high) {
  low = f32_of_f16((uint16_t)packed);
  high = f32_of_f16((uint16_t)(packed >> 16));
}

inline float fast_exp2(float x) {
  const float result = exp2f(x);
  return result < 0x1p-126f ? 0 : result;
}

inline unsigned lanes_where(bool holds) {
  unsigned own = holds;
  simt::together(&own, simt::find_holding);
  return own;
}

#endif
