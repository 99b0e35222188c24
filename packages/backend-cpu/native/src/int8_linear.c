/* Linear layer in bytes: rows of activations are rounded to bytes and packed, multiplied with the weights in whole numbers (int8_dot.c,
 * int8_amx.c), and scaled back on the way out. Kernels give channels × rows; the last step turns that around. */
#include "int8_tiles.h"
#include "parallel.h"
#include "transpose.h"

/* Rows of activations that one task multiplies with its channels: in bytes they stay in the L2 cache from task to task. */
#define TASK_ROWS 768
#define SMALLEST 1e-30f /* rows that are smaller count as zeros */

typedef int8_t bytes_of_vector __attribute__((vector_size(VL)));

typedef struct {
  const mb_int8_kernel *kernel;
  int64_t rows, depth, channels, words, padded; /* words of a weight; of a panel: a multiple of VL */
  int64_t channel_tasks, groups, groups_per_task; /* a group is the panels of one kernel call */
  const float *x, *scales, *bias;
  const int32_t *weight;
  int32_t *panels;   /* [panels][padded][VL] */
  float *row_scales; /* [panels · VL] */
  float *y;
} int8_context;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Rounds a row to bytes, zeros up to `padded`. Returns what 1 is worth; NaN for a row that is not finite. */
static float quantize_row(const float *x, int64_t depth, int64_t padded, int8_t *to) {
  vf largest = {0};
  vi broken = {0};
  for (int64_t d = 0; d < depth; d += VL) {
    const vf magnitude = v_abs(v_load_n(x + d, MB_MIN(VL, depth - d)));
    largest = v_greater_of(magnitude, largest);
    broken |= ~(magnitude < __builtin_inff());
  }
  if (v_any(broken)) {
    memset(to, 0, (size_t)padded);
    return __builtin_nanf("");
  }
  const float most = v_largest(largest);
  const vf inverse = v_set(most > SMALLEST ? 127 / most : 0);
  int64_t d = 0;
  for (; d < depth; d += VL) {
    const vf scaled = v_rounded(v_load_n(x + d, MB_MIN(VL, depth - d)) * inverse);
    const vi whole = (vi)(scaled + V_ROUNDER) - (vi)v_set(V_ROUNDER);
    const bytes_of_vector bytes = __builtin_convertvector(whole, bytes_of_vector);
    memcpy(to + d, &bytes, VL);
  }
  if (d < padded) memset(to + d, 0, (size_t)(padded - d));
  return most / 127;
}

static void pack_task(void *opaque, int64_t task, int worker) {
  const int8_context *c = opaque;
  const int64_t bytes = 4 * c->padded;
  int8_t *rows = mb_scratch(worker, MB_SLOT_KERNEL_2, (size_t)(VL * bytes));
  for (int64_t i = 0; i < VL; i++) {
    const int64_t row = task * VL + i;
    c->row_scales[row] = 0;
    if (row < c->rows) c->row_scales[row] = quantize_row(c->x + row * c->depth, c->depth, bytes, rows + i * bytes);
    else memset(rows + i * bytes, 0, (size_t)bytes);
  }
  int32_t *to = c->panels + task * c->padded * VL;
  for (int64_t word = 0; word < c->padded; word += VL) {
    vf block[VL];
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) memcpy(&block[i], rows + i * bytes + 4 * word, sizeof(vf));
    v_transpose(block);
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) v_store_int(to + (word + i) * VL, (vi)block[i] ^ c->kernel->flip);
  }
}

/* sums[VL channels][VL rows] → y, scaled. */
static void store_block(const int8_context *c, const int32_t *sums, int64_t stride, int64_t channel, int64_t row) {
  const int64_t lanes = MB_MIN(VL, c->channels - channel), rows = MB_MIN(VL, c->rows - row);
  vf block[VL];
#pragma GCC unroll 16
  for (int i = 0; i < VL; i++) block[i] = __builtin_convertvector(v_load_int(sums + i * stride), vf);
  v_transpose(block);
  const vf scales = v_load_n(c->scales + channel, lanes), bias = c->bias ? v_load_n(c->bias + channel, lanes) : (vf){0};
  float *y = c->y + row * c->channels + channel;
  for (int64_t i = 0; i < rows; i++) v_store_n(y + i * c->channels, block[i] * scales * c->row_scales[row + i] + bias, lanes);
}

static void multiply_task(void *opaque, int64_t task, int worker) {
  const int8_context *c = opaque;
  const mb_int8_kernel *kernel = c->kernel;
  const int64_t channel = task % c->channel_tasks * MB_INT8_CHANNELS, channels = MB_MIN(MB_INT8_CHANNELS, c->channels - channel);
  const int64_t begin = task / c->channel_tasks * c->groups_per_task, end = MB_MIN(c->groups, begin + c->groups_per_task);
  const int64_t all_panels = ceil_div(c->rows, VL), panel = c->padded * VL;
  const int32_t *weight = c->weight + channel * c->words;
  int32_t *sums = mb_scratch(worker, MB_SLOT_KERNEL_2, sizeof(int32_t) * MB_INT8_CHANNELS * MB_INT8_PANELS * VL);
  if (kernel->begin) kernel->begin();
  for (int64_t group = begin; group < end; group++) {
    const int64_t first = group * kernel->panels, panels = MB_MIN(kernel->panels, all_panels - first), stride = panels * VL;
    for (int64_t i = 0; i < channels; i += kernel->channels)
      kernel->tile((int)MB_MIN(kernel->channels, channels - i), (int)panels, c->words, weight + i * c->words, c->panels + first * panel, panel,
                   sums + i * stride);
    for (int64_t i = 0; i < channels; i += VL)
      for (int64_t p = 0; p < panels; p++) store_block(c, sums + i * stride + p * VL, stride, channel + i, (first + p) * VL);
  }
  if (kernel->end) kernel->end();
}

/* views: y [T, n], x [T, k], weight [n, k/4], scales [n], bias (or absent). */
void MB_FN(mb_op_int8_linear)(const mb_view *views, const double *attributes) {
  (void)attributes;
  int8_context c = {.kernel = MB_FN(mb_int8_kernel_of)(), .rows = views[0].shape[0], .depth = views[1].shape[1], .channels = views[0].shape[1]};
  if (c.rows == 0 || c.channels == 0) return;
  c.words = views[2].shape[1];
  c.padded = ceil_div(c.words, VL) * VL;
  c.y = views[0].data, c.x = views[1].data, c.weight = views[2].data, c.scales = views[3].data, c.bias = views[4].data;
  const int64_t panels = ceil_div(c.rows, VL);
  c.panels = mb_scratch(0, MB_SLOT_KERNEL_0, sizeof(int32_t) * (size_t)MB_MAX(1, panels * c.padded * VL));
  c.row_scales = mb_scratch(0, MB_SLOT_KERNEL_1, sizeof(float) * (size_t)(panels * VL));
  mb_parallel(panels, pack_task, &c);
  c.groups = ceil_div(panels, c.kernel->panels);
  c.groups_per_task = ceil_div(c.groups, ceil_div(c.rows, TASK_ROWS));
  c.channel_tasks = ceil_div(c.channels, MB_INT8_CHANNELS);
  mb_parallel(c.channel_tasks * ceil_div(c.groups, c.groups_per_task), multiply_task, &c);
}
