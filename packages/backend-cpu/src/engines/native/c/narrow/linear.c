/* Linear layer over weights in bf16 or f16, which are read as they are: bf16 by the kernels of narrow/bf16_amx.c and narrow/bf16_pairs.c where the
 * machine has them, all else by mb_gemm in f32. */
#include "base/convert.h"
#include "gemm/gemm.h"
#include "narrow/panel_linear.h"
#include "base/parallel.h"
#include "simd/simd.h"

/* Up to so many rows are faster by dot products. */
#define ROWS_BEFORE_PANELS 4

#if defined(__AMX_BF16__)
/* f16 has no tiles of its own: blocks of channels are widened into the L2 cache, beside all rows given, and multiplied in f32, which
 * has. */
#define ROWS_FOR_AMX 32
#define BLOCK_BYTES ((int64_t)2 << 20)

static void multiply_widened(const mb_gemm_args *x) {
  const int64_t block = MB_MIN(x->n, MB_MAX(64, BLOCK_BYTES / 4 / MB_MAX(1, x->k)));
  float *weight = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)MB_MAX(1, block * x->k) * sizeof(float));
  float *rows = x->a16 ? mb_scratch(0, MB_SLOT_KERNEL_1, (size_t)MB_MAX(1, x->m * x->k) * sizeof(float)) : NULL;
  if (rows) MB_FN(mb_widen_rows)(x->a16, MB_F16, x->m, x->k, rows);
  for (int64_t first = 0; first < x->n; first += block) {
    mb_gemm_args gemm = *x;
    gemm.n = MB_MIN(block, x->n - first);
    MB_FN(mb_widen_rows)(x->b16 + first * x->k, MB_F16, gemm.n, x->k, weight);
    gemm.b = weight;
    gemm.a = rows ? rows : x->a;
    gemm.a16 = gemm.b16 = NULL;
    gemm.c += first;
    if (x->c16) gemm.c16 += first;
    if (x->bias) gemm.bias += first;
    MB_FN(mb_gemm)(&gemm);
  }
}
#endif

/* Floats of room for sums that become 16 bits, and for rows that are widened; so many rows at a time, a multiple of any micro-kernel's lanes. */
#define ROOM ((int64_t)4 << 20)
#define ROUNDED_ROWS 96

/* Products in f32 of numbers that are widened on the way. */
static void multiply_in_f32(const mb_view *y, const mb_view *x, const mb_view *weight, const float *bias) {
  const int64_t rows = y->shape[0], depth = x->shape[1], channels = y->shape[1];
  const int narrow = y->dtype != MB_F32;
  const int64_t most = narrow ? MB_MAX(1, ROOM / MB_MAX(1, depth + channels) / ROUNDED_ROWS) * ROUNDED_ROWS : MB_MAX(1, rows);
  float *sums = narrow ? mb_scratch(0, MB_SLOT_KERNEL_2, sizeof(float) * (size_t)MB_MAX(1, MB_MIN(most, rows) * channels)) : NULL;
  for (int64_t row = 0; row < rows; row += most) {
    mb_gemm_args gemm = {.m = MB_MIN(most, rows - row), .n = channels, .k = depth, .b16 = weight->data, .dtype16 = weight->dtype, .bias = bias,
                         .a_row = depth, .a_col = 1, .b_row = 1, .b_col = depth, .c_row = channels, .alpha = 1};
    if (narrow) gemm.c = sums, gemm.a16 = (const uint16_t *)x->data + row * depth, gemm.c16 = (uint16_t *)y->data + row * channels;
    else gemm.c = y->data, gemm.a = x->data;
#if defined(__AMX_BF16__)
    if (gemm.m >= ROWS_FOR_AMX && weight->dtype == MB_F16) multiply_widened(&gemm);
    else
#endif
      MB_FN(mb_gemm)(&gemm);
  }
}

/* views: y [T, n], x [T, k], weight [n, k] in bf16 or f16, bias [n] (or absent); y and x in f32 or both in the dtype of the weight, bias in
 * any of these. */
void MB_FN(mb_op_linear)(const mb_view *views, const double *attributes) {
  (void)attributes;
  const mb_view *y = &views[0], *x = &views[1], *weight = &views[2];
  const int64_t rows = y->shape[0], depth = x->shape[1], channels = y->shape[1];
  const mb_view *b = &views[3];
  const float *bias = b->data ? mb_as_f32(b->data, b->dtype, 0, channels, mb_scratch(0, MB_SLOT_KERNEL_3, sizeof(float) * (size_t)MB_MAX(1, channels))) : NULL;
  const int bytes = (int)mb_bytes_of(x->dtype);
  const mb_panel_kernel *kernel = weight->dtype == MB_BF16 ? MB_FN(mb_bf16_kernel)(bytes, depth) : NULL;
  if (kernel && rows > ROWS_BEFORE_PANELS) {
    const mb_panel_linear_args args = {.rows = rows, .depth = depth, .channels = channels, .channel_bytes = 2 * depth, .x = x->data,
                                       .x_bytes = bytes, .bias = bias, .weight = weight->data, .y = y->data, .y_bytes = bytes};
    MB_FN(mb_panel_linear)(kernel, &args);
  } else multiply_in_f32(y, x, weight, bias);
}
