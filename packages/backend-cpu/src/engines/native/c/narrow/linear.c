/* Linear layer over weights in bf16 or f16, which are read as they are: by mb_gemm, or on AMX tiles, bf16 by those of narrow/bf16_amx.c. */
#include "base/convert.h"
#include "gemm/gemm.h"
#include "narrow/panel_linear.h"
#include "base/parallel.h"
#include "simd/simd.h"

/* Up to so many rows are faster by dot products than on tiles. */
#define ROWS_BEFORE_AMX 4

typedef struct {
  int64_t channels;
  const float *bias;
  float *y;
} bias_context;

static void bias_task(void *opaque, int64_t row, int worker) {
  (void)worker;
  const bias_context *c = opaque;
  float *y = c->y + row * c->channels;
  for (int64_t i = 0; i < c->channels; i += VL) {
    const int64_t lanes = MB_MIN(VL, c->channels - i);
    v_store_n(y + i, v_load_n(y + i, lanes) + v_load_n(c->bias + i, lanes), lanes);
  }
}

#if defined(__AMX_BF16__)
/* f16 has no tiles of its own: blocks of channels are widened into the L2 cache and multiplied in f32, which has. */
#define ROWS_FOR_AMX 32
#define BLOCK_BYTES ((int64_t)2 << 20)

typedef struct {
  int64_t depth;
  const uint16_t *weight; /* of the block */
  float *widened;
} widen_context;

static void widen_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const widen_context *c = opaque;
  MB_FN(mb_to_f32)(c->weight + task * c->depth, MB_F16, c->depth, c->widened + task * c->depth);
}

static void multiply_widened(const mb_gemm_args *x) {
  const int64_t block = MB_MIN(x->n, MB_MAX(64, BLOCK_BYTES / 4 / MB_MAX(1, x->k)));
  widen_context c = {.depth = x->k, .widened = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)MB_MAX(1, block * x->k) * sizeof(float))};
  for (int64_t first = 0; first < x->n; first += block) {
    mb_gemm_args gemm = *x;
    gemm.n = MB_MIN(block, x->n - first);
    c.weight = x->b16 + first * x->k;
    mb_parallel(gemm.n, widen_task, &c);
    gemm.b = c.widened;
    gemm.b16 = NULL;
    gemm.c += first;
    MB_FN(mb_gemm)(&gemm);
  }
}
#endif

/* views: y [T, n], x [T, k], weight [n, k] in bf16 or f16, bias [n] (or absent). */
void MB_FN(mb_op_linear)(const mb_view *views, const double *attributes) {
  (void)attributes;
  const int64_t rows = views[0].shape[0], depth = views[1].shape[1], channels = views[0].shape[1];
  bias_context c = {.channels = channels, .y = views[0].data, .bias = views[3].data};
  const mb_panel_kernel *kernel = views[2].dtype == MB_BF16 ? MB_FN(mb_bf16_kernel)() : NULL;
  if (kernel && rows > ROWS_BEFORE_AMX) {
    const mb_panel_linear_args args = {.rows = rows, .depth = depth, .channels = channels, .channel_bytes = 2 * depth, .x = views[1].data,
                                       .bias = c.bias, .weight = views[2].data, .y = c.y};
    MB_FN(mb_panel_linear)(kernel, &args);
    return;
  }
  const mb_gemm_args gemm = {.m = rows, .n = channels, .k = depth, .a = views[1].data, .b16 = views[2].data, .b16_dtype = views[2].dtype,
                             .c = c.y, .a_row = depth, .a_col = 1, .b_row = 1, .b_col = depth, .c_row = channels, .alpha = 1};
#if defined(__AMX_BF16__)
  if (rows >= ROWS_FOR_AMX) multiply_widened(&gemm);
  else
#endif
    MB_FN(mb_gemm)(&gemm);
  if (c.bias) mb_parallel(rows, bias_task, &c);
}
