/* mb_gemm for few rows of A against a B whose columns are contiguous (a weight [N, K]): dot products straight from memory, because
 * packing B would cost more than multiplying with it. Weights in 16 bits are widened in registers. */
#include "gemm/dot.h"

#include "base/convert.h"
#include "base/parallel.h"
#include "simd/transpose.h"

#define INLINE static inline __attribute__((always_inline))

/* Most rows of a kernel; columns of a task, and of a strip, which all rows pass while its weights are in the L1 or L2 cache. */
#define ROWS 8
#define TASK_COLUMNS 96
#define STRIP 24

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

typedef struct {
  const float *a;
  const char *b; /* of the first column */
  float *c;
  int64_t depth, a_row, b_column, c_row;
  float alpha;
  int add;
} dot_args;

typedef void (*dot_kernel)(const dot_args *x);

INLINE void dot(int rows, int columns, int dtype, const dot_args *x) {
  const int64_t depth = x->depth, a_row = x->a_row, b_column = x->b_column, bytes = dtype == MB_F32 ? 4 : 2;
  const float *a = x->a;
  const char *b = x->b;
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
      y[j] = mb_load_float(dtype, b, j * b_column + k, VL);
      __builtin_prefetch(b + ((j + 2 * columns) * b_column + k) * bytes, 0, 2); /* to the L2 cache: the L1 cache is full of A */
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      const vf left = v_load(a + i * a_row + k);
#pragma GCC unroll 8
      for (int j = 0; j < columns; j++) sum[i][j] += left * y[j];
    }
  }
  if (k < depth) {
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      const vf left = v_load_n(a + i * a_row + k, depth - k);
#pragma GCC unroll 8
      for (int j = 0; j < columns; j++) sum[i][j] += left * mb_load_float(dtype, b, j * b_column + k, depth - k);
    }
  }
  float total[8 * 8 + VL];
#pragma GCC unroll 8
  for (int first = 0; first < rows * columns; first += VL) {
    vf block[VL];
#pragma GCC unroll 16
    for (int at = 0; at < VL; at++) block[at] = first + at < rows * columns ? sum[(first + at) / columns][(first + at) % columns] : (vf){0};
    v_store(total + first, x->alpha * v_sums(block));
  }
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) {
      float *at = x->c + i * x->c_row + j;
      *at = total[i * columns + j] + (x->add ? *at : 0);
    }
}

#define KERNEL(rows, columns, dtype, name) \
  static void name(const dot_args *x) { dot(rows, columns, dtype, x); }
#define KERNELS(rows)                                                                                             \
  KERNEL(rows, COLUMNS_##rows, MB_F32, f32_##rows) KERNEL(rows, 1, MB_F32, f32_##rows##x1)                        \
  KERNEL(rows, COLUMNS_##rows, MB_BF16, bf16_##rows) KERNEL(rows, 1, MB_BF16, bf16_##rows##x1)                    \
  KERNEL(rows, COLUMNS_##rows, MB_F16, f16_##rows) KERNEL(rows, 1, MB_F16, f16_##rows##x1)
KERNELS(1) KERNELS(2) KERNELS(3) KERNELS(4) KERNELS(5) KERNELS(6) KERNELS(7) KERNELS(8)

/* By dtype: f32, f16, bf16 (mb_dtype). */
#define ENTRY(rows) {COLUMNS_##rows, {f32_##rows, f16_##rows, bf16_##rows}, {f32_##rows##x1, f16_##rows##x1, bf16_##rows##x1}}
static const struct {
  int columns;
  dot_kernel wide[3], single[3];
} kernels[] = {ENTRY(1), ENTRY(2), ENTRY(3), ENTRY(4), ENTRY(5), ENTRY(6), ENTRY(7), ENTRY(8)};

typedef struct {
  const mb_gemm_args *args;
  const float *a, *b;
  int64_t a_row;
  float *c;
} dot_context;

/* `rows` rows, columns first…end-1. */
static void dot_block(const dot_context *g, int64_t row, int64_t rows, int64_t first, int64_t end) {
  const mb_gemm_args *x = g->args;
  const int dtype = x->b16 ? x->dtype16 : MB_F32, columns = kernels[rows - 1].columns;
  dot_args d = {.a = g->a + row * g->a_row, .depth = x->k, .a_row = g->a_row, .b_column = x->b_col, .c_row = x->c_row, .alpha = x->alpha,
                .add = x->accumulate};
  for (int64_t j = first; j < end;) {
    const int many = j + columns <= end;
    d.b = x->b16 ? (const char *)(x->b16 + j * x->b_col) : (const char *)(g->b + j * x->b_col);
    d.c = g->c + row * x->c_row + j;
    (many ? kernels[rows - 1].wide : kernels[rows - 1].single)[dtype](&d);
    j += many ? columns : 1;
  }
}

static void dot_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const dot_context *g = opaque;
  const mb_gemm_args *x = g->args;
  for (int64_t column = task * TASK_COLUMNS, end = MB_MIN(x->n, column + TASK_COLUMNS), next; column < end; column = next) {
    next = MB_MIN(end, column + STRIP);
    for (int64_t share = 0, shares = mb_ceil_div(x->m, ROWS); share < shares; share++) {
      const int64_t row = mb_share(x->m, shares, share), rows = mb_share(x->m, shares, share + 1) - row;
      dot_block(g, row, rows, column, next);
    }
  }
}

void MB_FN(mb_gemm_dot)(const mb_gemm_args *x, const float *a, const float *b, float *c, int worker) {
  float *wide = x->a16 ? mb_scratch(worker, MB_SLOT_GEMM_LANES, sizeof(float) * (size_t)(x->m * x->k)) : NULL;
  for (int64_t row = 0; row < x->m && wide; row++) MB_FN(mb_to_f32)(x->a16 + row * x->a_row, x->dtype16, x->k, wide + row * x->k);
  dot_context g = {.args = x, .a = wide ? wide : a, .b = b, .a_row = wide ? x->k : x->a_row, .c = c};
  mb_parallel(mb_ceil_div(x->n, TASK_COLUMNS), dot_task, &g);
}
