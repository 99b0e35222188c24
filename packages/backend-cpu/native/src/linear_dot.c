/* Dot products of a few f32 rows with rows of bf16 or f16 weights: each weight is read once, as 16 bits, and widened in registers. */
#include "linear_dot.h"

#include "convert.h"

/* Rows of one kernel call, and the channels that it takes at once: what the registers hold. */
#define ROWS 4
#if defined(__AVX512F__) || defined(__aarch64__)
#define CHANNELS 4
#else
#define CHANNELS 2
#endif

typedef uint16_t vh __attribute__((vector_size(VL * 2)));
typedef uint32_t vu __attribute__((vector_size(VL * 4)));

#define INLINE static inline __attribute__((always_inline))

INLINE vf widen(const uint16_t *from, int64_t n, int32_t dtype) {
  vh half = {0};
  if (n == VL) memcpy(&half, from, sizeof half);
  else memcpy(&half, from, (size_t)n * 2);
  if (dtype == MB_BF16) return (vf)(__builtin_convertvector(half, vu) << 16);
#if defined(__AVX512F__)
  return (vf)_mm512_cvtph_ps((__m256i)half);
#elif defined(__F16C__)
  return (vf)_mm256_cvtph_ps((__m128i)half);
#else
  vf wide;
  for (int i = 0; i < VL; i++) wide[i] = mb_f32_of_f16(half[i]);
  return wide;
#endif
}

INLINE void dot(int rows, int channels, int64_t depth, const float *x, const uint16_t *weight, int32_t dtype, float *y, int64_t y_row) {
  vf sum[ROWS][CHANNELS];
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < channels; j++) sum[i][j] = (vf){0};
  int64_t k = 0;
  for (; k + VL <= depth; k += VL) {
    vf w[CHANNELS];
#pragma GCC unroll 4
    for (int j = 0; j < channels; j++) {
      w[j] = widen(weight + j * depth + k, VL, dtype);
      __builtin_prefetch(weight + (j + channels) * depth + k);
    }
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) {
      const vf row = v_load(x + i * depth + k);
#pragma GCC unroll 4
      for (int j = 0; j < channels; j++) sum[i][j] += row * w[j];
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < channels; j++) {
      if (k < depth) sum[i][j] += v_load_n(x + i * depth + k, depth - k) * widen(weight + j * depth + k, depth - k, dtype);
      y[i * y_row + j] = v_sum(sum[i][j]);
    }
}

INLINE void columns(int rows, int64_t first, int64_t end, int64_t depth, const float *x, const uint16_t *weight, int32_t dtype, float *y,
                    int64_t y_row) {
  int64_t j = first;
  for (; j + CHANNELS <= end; j += CHANNELS) dot(rows, CHANNELS, depth, x, weight + j * depth, dtype, y + j, y_row);
  for (; j < end; j++) dot(rows, 1, depth, x, weight + j * depth, dtype, y + j, y_row);
}

#define BODIES(dtype, name)                                                                                                              \
  static void name(int64_t rows, int64_t first, int64_t end, int64_t depth, const float *x, const uint16_t *weight, float *y, int64_t y_row) { \
    if (rows == 1) columns(1, first, end, depth, x, weight, dtype, y, y_row);                                                             \
    else if (rows == 2) columns(2, first, end, depth, x, weight, dtype, y, y_row);                                                        \
    else if (rows == 3) columns(3, first, end, depth, x, weight, dtype, y, y_row);                                                        \
    else columns(4, first, end, depth, x, weight, dtype, y, y_row);                                                                       \
  }
BODIES(MB_BF16, bf16_rows)
BODIES(MB_F16, f16_rows)

/* Channels whose weights stay in the L1 cache while all rows pass. */
#define STRIP 16

void MB_FN(mb_linear_dot)(int64_t rows, int64_t first, int64_t end, int64_t depth, const float *x, const uint16_t *weight, int32_t dtype,
                          float *y, int64_t y_row) {
  for (int64_t channel = first; channel < end; channel += STRIP) {
    const int64_t last = MB_MIN(end, channel + STRIP);
    for (int64_t row = 0; row < rows; row += ROWS)
      (dtype == MB_BF16 ? bf16_rows : f16_rows)(MB_MIN(ROWS, rows - row), channel, last, depth, x + row * depth, weight, y + row * y_row, y_row);
  }
}
