/* mb_gemm for few rows of A against a B whose columns are contiguous (a weight [N, K]): dot products straight from memory, because
 * packing B would cost more than multiplying with it. */
#include "gemm_tiles.h"
#include "transpose.h"

#define INLINE static inline __attribute__((always_inline))

/* Columns that a kernel of so many rows takes at once: what the registers hold. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define COLUMNS_1 8
#define COLUMNS_2 8
#define COLUMNS_3 8
#define COLUMNS_4 6
#define COLUMNS_5 4
#define COLUMNS_6 4
#define COLUMNS_7 3
#define COLUMNS_8 3
#else
#define COLUMNS_1 8
#define COLUMNS_2 6
#define COLUMNS_3 4
#define COLUMNS_4 3
#define COLUMNS_5 2
#define COLUMNS_6 2
#define COLUMNS_7 1
#define COLUMNS_8 1
#endif

typedef void (*dot_kernel)(int64_t depth, const float *a, int64_t a_row, const float *b, int64_t b_column, float *c, int64_t c_row, float alpha, int add);

INLINE void dot(int rows, int columns, int64_t depth, const float *a, int64_t a_row, const float *b, int64_t b_column, float *c,
                int64_t c_row, float alpha, int add) {
  vf sum[8][8];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
    for (int j = 0; j < columns; j++) sum[i][j] = (vf){0};
  int64_t k = 0;
  for (; k + VL <= depth; k += VL) {
    vf y[8];
#pragma GCC unroll 8
    for (int j = 0; j < columns; j++) {
      y[j] = v_load(b + j * b_column + k);
      __builtin_prefetch(b + (j + columns) * b_column + k);
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      const vf x = v_load(a + i * a_row + k);
#pragma GCC unroll 8
      for (int j = 0; j < columns; j++) sum[i][j] += x * y[j];
    }
  }
  if (k < depth) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      const vf x = v_load_n(a + i * a_row + k, depth - k);
#pragma GCC unroll 8
      for (int j = 0; j < columns; j++) sum[i][j] += x * v_load_n(b + j * b_column + k, depth - k);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) {
#pragma GCC unroll 8
    for (int j = 0; j < columns; j++) {
      float *at = c + i * c_row + j;
      const float value = alpha * v_sum(sum[i][j]);
      *at = add ? *at + value : value;
    }
  }
}

#define KERNEL(rows, columns, name)                                                                                               \
  static void name(int64_t depth, const float *a, int64_t a_row, const float *b, int64_t b_column, float *c, int64_t c_row,       \
                   float alpha, int add) {                                                                                        \
    dot(rows, columns, depth, a, a_row, b, b_column, c, c_row, alpha, add);                                                       \
  }
#define KERNELS(rows) KERNEL(rows, COLUMNS_##rows, dot_##rows) KERNEL(rows, 1, dot_##rows##x1)
KERNELS(1) KERNELS(2) KERNELS(3) KERNELS(4) KERNELS(5) KERNELS(6) KERNELS(7) KERNELS(8)

#define ENTRY(rows) {COLUMNS_##rows, dot_##rows, dot_##rows##x1}
static const struct {
  int columns;
  dot_kernel wide, single;
} kernels[] = {ENTRY(1), ENTRY(2), ENTRY(3), ENTRY(4), ENTRY(5), ENTRY(6), ENTRY(7), ENTRY(8)};

void MB_FN(mb_gemm_dot)(int64_t rows, int64_t first, int64_t end, int64_t depth, const float *a, int64_t a_row, const float *b,
                        int64_t b_column, float *c, int64_t c_row, float alpha, int add) {
  const int columns = kernels[rows - 1].columns;
  int64_t j = first;
  for (; j + columns <= end; j += columns) kernels[rows - 1].wide(depth, a, a_row, b + j * b_column, b_column, c + j, c_row, alpha, add);
  for (; j < end; j++) kernels[rows - 1].single(depth, a, a_row, b + j * b_column, b_column, c + j, c_row, alpha, add);
}
