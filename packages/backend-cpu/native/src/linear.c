/* Linear layer over weights in bf16 or f16, which are read as they are. Few rows: dot products that widen on the way (linear_dot.c), bound
 * by the bytes of the weights. Many rows: bf16 goes to AMX tiles (linear_amx.c); elsewhere blocks of channels are widened into the L2 cache and
 * multiplied by mb_gemm. */
#include "convert.h"
#include "gemm.h"
#include "linear_dot.h"
#include "panel_linear.h"
#include "parallel.h"

/* Up to so many rows go by dot products (fewer where there are tiles), in tasks of so many channels. */
#define DOT_ROWS 16
#define DOT_ROWS_BEFORE_TILES 4
#define DOT_CHANNELS 96
/* Bytes of widened weights. */
#define BLOCK_BYTES ((int64_t)2 << 20)

typedef struct {
  int64_t rows, depth, channels;
  const float *x, *bias;
  const uint16_t *weight;
  int32_t dtype;
  float *y, *widened;
  int64_t first, count; /* channels of the block */
} linear_context;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void dot_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const linear_context *c = opaque;
  const int64_t channel = task * DOT_CHANNELS, end = MB_MIN(c->channels, channel + DOT_CHANNELS);
  MB_FN(mb_linear_dot)(c->rows, channel, end, c->depth, c->x, c->weight, c->dtype, c->y, c->channels);
}

static void widen_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const linear_context *c = opaque;
  MB_FN(mb_to_f32)(c->weight + (c->first + task) * c->depth, c->dtype, c->depth, c->widened + task * c->depth);
}

static void bias_task(void *opaque, int64_t row, int worker) {
  (void)worker;
  const linear_context *c = opaque;
  float *y = c->y + row * c->channels;
  for (int64_t i = 0; i < c->channels; i += VL) {
    const int64_t lanes = MB_MIN(VL, c->channels - i);
    v_store_n(y + i, v_load_n(y + i, lanes) + v_load_n(c->bias + i, lanes), lanes);
  }
}

static void multiply_widened(linear_context *c) {
  const int64_t block = MB_MIN(c->channels, MB_MAX(64, BLOCK_BYTES / 4 / MB_MAX(1, c->depth)));
  c->widened = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)MB_MAX(1, block * c->depth) * sizeof(float));
  for (c->first = 0; c->first < c->channels; c->first += block) {
    c->count = MB_MIN(block, c->channels - c->first);
    mb_parallel(c->count, widen_task, c);
    const mb_gemm_args gemm = {.m = c->rows, .n = c->count, .k = c->depth, .a = c->x, .b = c->widened, .c = c->y + c->first,
                               .a_row = c->depth, .a_col = 1, .b_row = 1, .b_col = c->depth, .c_row = c->channels, .alpha = 1};
    MB_FN(mb_gemm)(&gemm);
  }
}

/* views: y [T, n], x [T, k], weight [n, k] in bf16 or f16, bias [n] (or absent). */
void MB_FN(mb_op_linear)(const mb_view *views, const double *attributes) {
  (void)attributes;
  linear_context c = {.rows = views[0].shape[0], .depth = views[1].shape[1], .channels = views[0].shape[1], .dtype = views[2].dtype};
  if (c.rows == 0 || c.channels == 0) return;
  c.y = views[0].data, c.x = views[1].data, c.weight = views[2].data, c.bias = views[3].data;
  const mb_panel_kernel *kernel = c.dtype == MB_BF16 ? MB_FN(mb_bf16_kernel)() : NULL;
  if (kernel && c.rows > DOT_ROWS_BEFORE_TILES) {
    const mb_panel_linear_args args = {.rows = c.rows, .depth = c.depth, .channels = c.channels, .channel_bytes = 2 * c.depth, .x = c.x,
                                       .bias = c.bias, .weight = c.weight, .y = c.y};
    MB_FN(mb_panel_linear)(kernel, &args);
    return;
  }
  if (c.rows <= DOT_ROWS) mb_parallel(ceil_div(c.channels, DOT_CHANNELS), dot_task, &c);
  else multiply_widened(&c);
  if (c.bias) mb_parallel(c.rows, bias_task, &c);
}
