/* mb_panel_linear: packs rows of x into panels, lets tasks multiply them with some channels each, and stores what comes out, scaled. */
#include "narrow/panel_linear.h"

#include "base/parallel.h"
#include "simd/bf16.h"
#include "simd/transpose.h"

/* Bytes of panels that a task passes over: they stay in the L2 cache from task to task. */
#define TASK_BYTES ((int64_t)768 << 10)

typedef struct {
  const mb_panel_kernel *kernel;
  const mb_panel_linear_args *args;
  int64_t plane, panel; /* words */
  int64_t panels, groups, groups_per_task, channel_tasks; /* a group is the panels of one kernel call */
  int32_t *packed;
  float *row_scales; /* [panels · VL] */
} context;

static void pack_task(void *opaque, int64_t task, int worker) {
  const context *c = opaque;
  const mb_panel_linear_args *args = c->args;
  const int64_t padded = c->plane / VL, row_words = padded * c->kernel->planes;
  int32_t *rows = mb_scratch(worker, MB_SLOT_KERNEL_2, (size_t)(VL * row_words) * 4);
  for (int64_t i = 0; i < VL; i++) {
    const int64_t row = task * VL + i;
    c->row_scales[row] = 0;
    if (row < args->rows) c->row_scales[row] = c->kernel->round((const char *)args->x + row * args->depth * args->x_bytes, args->x_bytes, args->depth, padded, rows + i * row_words);
    else memset(rows + i * row_words, 0, (size_t)row_words * 4);
  }
  int32_t *to = c->packed + task * c->panel;
  for (int64_t word = 0; word < row_words; word += VL) {
    vf block[VL];
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) block[i] = (vf)v_load_int(rows + i * row_words + word);
    v_transpose(block);
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) v_store_int(to + (word + i) * VL, (vi)block[i] ^ c->kernel->flip);
  }
}

/* sums[VL channels][VL rows] → y, scaled. */
static void store_block(const context *c, const int32_t *sums, int64_t stride, const int32_t *offsets, int64_t channel, int64_t row) {
  const mb_panel_linear_args *args = c->args;
  const int64_t lanes = MB_MIN(VL, args->channels - channel), rows = MB_MIN(VL, args->rows - row);
  vf block[VL];
#pragma GCC unroll 16
  for (int i = 0; i < VL; i++) block[i] = (vf)v_load_int(sums + i * stride);
  v_transpose(block);
  const vf scales = args->scales ? v_load_n(args->scales + channel, lanes) : v_set(1), bias = args->bias ? v_load_n(args->bias + channel, lanes) : (vf){0};
  const vi offset = offsets ? v_load_int(offsets) : (vi){0};
  if (c->kernel->whole)
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) block[i] = __builtin_convertvector((vi)block[i] - offset, vf);
  const float *row_scales = c->row_scales + row;
  for (int64_t i = 0; i < rows; i++) mb_store_scaled(args, row + i, channel, lanes, mb_scaled(block[i], scales, row_scales[i], bias));
}

static void multiply_task(void *opaque, int64_t task, int worker) {
  const context *c = opaque;
  const mb_panel_kernel *kernel = c->kernel;
  const mb_panel_linear_args *args = c->args;
  const int64_t channel = task % c->channel_tasks * MB_TASK_CHANNELS, channels = MB_MIN(MB_TASK_CHANNELS, args->channels - channel);
  const int64_t begin = task / c->channel_tasks * c->groups_per_task, end = MB_MIN(c->groups, begin + c->groups_per_task);
  const char *weight = (const char *)args->weight + channel * args->channel_bytes;
  int32_t *sums = mb_scratch(worker, MB_SLOT_KERNEL_2, sizeof(int32_t) * MB_TASK_CHANNELS * MB_MOST_PANELS * VL);
  int32_t offsets[MB_TASK_CHANNELS];
  if (kernel->offsets) kernel->offsets(channels, args->channel_bytes, weight, offsets);
  if (kernel->begin) kernel->begin();
  const int64_t later = MB_TASK_CHANNELS * mb_workers(), ahead = channel + later < args->channels ? later * args->channel_bytes : 0;
  for (int64_t group = begin; group < end; group++) {
    const int64_t first = group * kernel->panels, panels = MB_MIN(kernel->panels, c->panels - first), stride = panels * VL;
    for (int64_t i = 0; i < channels; i += kernel->channels)
      kernel->multiply((int)MB_MIN(kernel->channels, channels - i), (int)panels, args->channel_bytes, weight + i * args->channel_bytes, ahead,
                   c->packed + first * c->panel, c->plane, sums + i * stride);
    for (int64_t p = 0; p < panels; p++)
      for (int64_t i = 0; i < channels; i += VL) store_block(c, sums + i * stride + p * VL, stride, kernel->offsets ? offsets + i : NULL, channel + i, (first + p) * VL);
  }
  if (kernel->end) kernel->end();
}

void MB_FN(mb_panel_linear)(const mb_panel_kernel *kernel, const mb_panel_linear_args *args) {
  if (args->rows == 0 || args->channels == 0) return;
  context c = {.kernel = kernel, .args = args, .panels = mb_ceil_div(args->rows, VL)};
  c.plane = mb_ceil_div(mb_ceil_div(args->depth, kernel->depth), VL) * VL * VL;
  c.panel = c.plane * kernel->planes;
  c.packed = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)MB_MAX(1, c.panels * c.panel) * 4);
  c.row_scales = mb_scratch(0, MB_SLOT_KERNEL_1, (size_t)(c.panels * VL) * sizeof(float));
  mb_parallel(c.panels, pack_task, &c);
  c.groups = mb_ceil_div(c.panels, kernel->panels);
  c.groups_per_task = mb_ceil_div(c.groups, 1 + c.panels * c.panel * 4 / TASK_BYTES);
  c.channel_tasks = mb_ceil_div(args->channels, MB_TASK_CHANNELS);
  mb_parallel(c.channel_tasks * mb_ceil_div(c.groups, c.groups_per_task), multiply_task, &c);
}
