/* Linear layer over weights in bf16 or f16, which are read as they are: bf16 by the kernels of narrow/bf16_amx.c and narrow/bf16_pairs.c where the
 * machine has them, all else by mb_gemm in f32. */
#include "base/convert.h"
#include "gemm/gemm.h"
#include "narrow/panel_linear.h"
#include "base/parallel.h"
#include "simd/simd.h"

/* Up to so many rows are faster by dot products. */
#define ROWS_BEFORE_PANELS 4

/* Rows of y in their own dtype: sums and bias. */
typedef struct {
  int64_t channels;
  const float *sums, *bias;
  char *y;
  int32_t y_dtype;
} store_context;

static void store_task(void *opaque, int64_t row, int worker) {
  const store_context *c = opaque;
  const float *sums = c->sums + row * c->channels;
  const int narrow = c->y_dtype != MB_F32;
  char *y = c->y + row * c->channels * mb_bytes_of(c->y_dtype);
  float *to = narrow ? mb_scratch(worker, MB_SLOT_CONVERT, sizeof(float) * (size_t)c->channels) : (float *)y;
  for (int64_t i = 0; i < c->channels && c->bias; i += VL) {
    const int64_t lanes = MB_MIN(VL, c->channels - i);
    v_store_n(to + i, v_load_n(sums + i, lanes) + v_load_n(c->bias + i, lanes), lanes);
  }
  if (narrow) MB_FN(mb_from_f32)(c->bias ? to : sums, c->channels, y, c->y_dtype);
}

/* Rows in f32: as they lie, or widened into a slot. */
static const float *as_f32(const mb_view *view, int64_t rows, int64_t width, int slot) {
  if (view->data == NULL || view->dtype == MB_F32) return view->data;
  float *wide = mb_scratch(0, slot, sizeof(float) * (size_t)MB_MAX(1, rows * width));
  MB_FN(mb_widen_rows)(view->data, view->dtype, rows, width, wide);
  return wide;
}

#if defined(__AMX_BF16__)
/* f16 has no tiles of its own: blocks of channels are widened into the L2 cache and multiplied in f32, which has. */
#define ROWS_FOR_AMX 32
#define BLOCK_BYTES ((int64_t)2 << 20)

static void multiply_widened(const mb_gemm_args *x) {
  const int64_t block = MB_MIN(x->n, MB_MAX(64, BLOCK_BYTES / 4 / MB_MAX(1, x->k)));
  float *wide = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)MB_MAX(1, block * x->k) * sizeof(float));
  for (int64_t first = 0; first < x->n; first += block) {
    mb_gemm_args gemm = *x;
    gemm.n = MB_MIN(block, x->n - first);
    MB_FN(mb_widen_rows)(x->b16 + first * x->k, MB_F16, gemm.n, x->k, wide);
    gemm.b = wide;
    gemm.b16 = NULL;
    gemm.c += first;
    MB_FN(mb_gemm)(&gemm);
  }
}
#endif

typedef struct {
  int64_t depth, channels;
  const mb_view *x, *weight, *y;
  const float *bias;
} linear_call;

/* In f32: x is widened and y rounded so many rows at a time that both stay in the cache. */
#define ROOM_BYTES ((int64_t)4 << 20)

static void multiply_in_f32(const linear_call *c, int64_t first, int64_t rows) {
  const int64_t x_bytes = mb_bytes_of(c->x->dtype), y_bytes = mb_bytes_of(c->y->dtype);
  const mb_view x = {.data = (char *)c->x->data + first * c->depth * x_bytes, .dtype = c->x->dtype};
  char *y = (char *)c->y->data + first * c->channels * y_bytes;
  const int narrow = c->y->dtype != MB_F32;
  float *sums = narrow ? mb_scratch(0, MB_SLOT_KERNEL_2, sizeof(float) * (size_t)MB_MAX(1, rows * c->channels)) : (float *)y;
  const mb_gemm_args gemm = {.m = rows, .n = c->channels, .k = c->depth, .a = as_f32(&x, rows, c->depth, MB_SLOT_KERNEL_1),
                             .b16 = c->weight->data, .b16_dtype = c->weight->dtype, .c = sums, .a_row = c->depth, .a_col = 1,
                             .b_row = 1, .b_col = c->depth, .c_row = c->channels, .alpha = 1};
#if defined(__AMX_BF16__)
  if (rows >= ROWS_FOR_AMX && c->weight->dtype == MB_F16) multiply_widened(&gemm);
  else
#endif
    MB_FN(mb_gemm)(&gemm);
  if (c->bias || narrow) mb_parallel(rows, store_task, &(store_context){c->channels, sums, c->bias, y, c->y->dtype});
}

/* views: y [T, n], x [T, k], weight [n, k] in bf16 or f16, bias [n] (or absent); y and x in f32 or both in the dtype of the weight, bias in
 * any of these. */
void MB_FN(mb_op_linear)(const mb_view *views, const double *attributes) {
  (void)attributes;
  const mb_view *y = &views[0], *x = &views[1], *weight = &views[2];
  const int64_t rows = y->shape[0], depth = x->shape[1], channels = y->shape[1];
  const float *bias = as_f32(&views[3], 1, channels, MB_SLOT_KERNEL_3);
  const int bytes = (int)mb_bytes_of(x->dtype);
  const mb_panel_kernel *kernel = weight->dtype == MB_BF16 ? MB_FN(mb_bf16_kernel)(bytes, depth) : NULL;
  if (kernel && rows > ROWS_BEFORE_PANELS) {
    const mb_panel_linear_args args = {.rows = rows, .depth = depth, .channels = channels, .channel_bytes = 2 * depth, .x = x->data,
                                       .x_bytes = bytes, .bias = bias, .weight = weight->data, .y = y->data, .y_bytes = bytes};
    MB_FN(mb_panel_linear)(kernel, &args);
    return;
  }
  const linear_call call = {depth, channels, x, weight, y, bias};
  const int64_t most = x->dtype == MB_F32 ? rows : MB_MAX(128, ROOM_BYTES / 4 / MB_MAX(1, depth + channels));
  const int64_t chunks = mb_ceil_div(rows, MB_MAX(1, most));
  for (int64_t i = 0; i < chunks; i++) multiply_in_f32(&call, mb_share(rows, chunks, i), mb_share(rows, chunks, i + 1) - mb_share(rows, chunks, i));
}
