/* Layer normalisation of rows, alone or after a residual addition, forward and backward.
 *
 * A row is read three times (mean, variance, result) and stays in the first-level cache meanwhile: two passes for the moments are as
 * cheap as Welford's formula and more accurate. The gradients of weight and bias are summed per block of rows, then over blocks in order. */
#include "base/command.h"
#include "base/convert.h"
#include "base/parallel.h"
#include "simd/simd.h"

#include <math.h>

#define FORWARD_ROWS 16
#define PARTIALS 64 /* most blocks of rows in backward */

typedef struct {
  int64_t rows, dim;
  float eps;
  const float *x, *weight, *bias;
  const void *delta;
  int32_t delta_dtype;
  float *sum, *stats; /* stats [T, 2]: mean, 1 / standard deviation */
  void *y;
  int32_t y_dtype;
} forward_context;

#define INLINE static inline __attribute__((always_inline))

/* Σ x over a row; with delta: x + delta is stored to sum first. `at` is its place in delta. */
INLINE float row_sum(const float *x, int32_t delta_dtype, const void *delta, int64_t at, float *sum, int64_t dim) {
  vf total[2] = {v_set(0), v_set(0)};
  for (int64_t d = 0, turn = 0; d < dim; d += VL, turn ^= 1) {
    const int64_t n = MB_MIN(VL, dim - d);
    vf value = v_load_n(x + d, n);
    if (delta) {
      value += mb_load_float(delta_dtype, delta, at + d, n);
      v_store_n(sum + d, value, n);
    }
    total[turn] += value;
  }
  return v_sum(total[0] + total[1]);
}

static inline float row_squares(const float *x, float mean, int64_t dim) {
  vf total[2] = {v_set(0), v_set(0)};
  int64_t d = 0;
  for (int64_t turn = 0; d + VL <= dim; d += VL, turn ^= 1) {
    const vf centered = v_load(x + d) - mean;
    total[turn] += centered * centered;
  }
  float squares = v_sum(total[0] + total[1]);
  for (; d < dim; d++) squares += (x[d] - mean) * (x[d] - mean);
  return squares;
}

/* With constant dtypes. */
INLINE void forward_rows(int32_t delta_dtype, int32_t y_dtype, const forward_context *c, int64_t from, int64_t to) {
  const int64_t dim = c->dim;
  for (int64_t row = from; row < to; row++) {
    const float *x = c->x + row * dim;
    const float mean = row_sum(x, delta_dtype, c->delta, row * dim, c->delta ? c->sum + row * dim : NULL, dim) / (float)dim;
    if (c->delta) x = c->sum + row * dim;
    const float scale = 1.0f / sqrtf(row_squares(x, mean, dim) / (float)dim + c->eps);
    if (c->stats) c->stats[2 * row] = mean, c->stats[2 * row + 1] = scale;
    for (int64_t d = 0; d < dim; d += VL) {
      const int64_t n = MB_MIN(VL, dim - d);
      vf value = (v_load_n(x + d, n) - mean) * scale * v_load_n(c->weight + d, n);
      if (c->bias) value += v_load_n(c->bias + d, n);
      mb_store_float(y_dtype, c->y, row * dim + d, value, n);
    }
  }
}

static void forward_body(void *context, int64_t index, int worker) {
  (void)worker;
  const forward_context *c = context;
  const int64_t from = index * FORWARD_ROWS, to = MB_MIN(c->rows, from + FORWARD_ROWS);
  MB_BY_FLOAT(c->delta_dtype, DELTA, MB_BY_FLOAT(c->y_dtype, Y, forward_rows(DELTA, Y, c, from, to)))
}

/* views: y (f32, f16 or bf16), sum (absent without delta), stats [T, 2] (or absent), x, delta (f32, f16, bf16 or absent), weight, bias (or absent); attributes: eps. */
void MB_FN(mb_op_layer_norm_forward)(const mb_view *views, const double *attributes) {
  forward_context context = {.rows = views[0].shape[0], .dim = views[0].shape[1], .eps = (float)attributes[0]};
  context.y = views[0].data, context.y_dtype = views[0].dtype, context.sum = views[1].data, context.stats = views[2].data;
  context.x = views[3].data, context.delta = views[4].data, context.delta_dtype = views[4].dtype, context.weight = views[5].data, context.bias = views[6].data;
  mb_parallel(mb_ceil_div(context.rows, FORWARD_ROWS), forward_body, &context);
}

typedef struct {
  int64_t rows, dim, rows_per_task, tasks;
  const float *grad_sum, *x, *stats, *weight;
  const void *grad_y;
  void *grad_delta;
  int32_t grad_y_dtype, grad_delta_dtype;
  float *grad_x, *grad_weight, *grad_bias;
  float *partials; /* [tasks][2][dim]: of weight, of bias; NULL when neither is wanted */
} backward_context;

/* `at` is the place in grad sum, grad x and grad delta. */
INLINE void store_grad(int32_t delta_dtype, const backward_context *c, int64_t at, vf value, int64_t n) {
  if (c->grad_sum) value += v_load_n(c->grad_sum + at, n);
  if (c->grad_x) v_store_n(c->grad_x + at, value, n);
  if (c->grad_delta) mb_store_float(delta_dtype, c->grad_delta, at, value, n);
}

/* With constant dtypes; grad_weight and grad_bias of this task, or NULL. */
INLINE void backward_rows(int32_t y_dtype, int32_t delta_dtype, const backward_context *c, int64_t from, int64_t to, float *grad_weight, float *grad_bias) {
  const int64_t dim = c->dim;
  for (int64_t row = from; row < to; row++) {
    const float mean = c->stats[2 * row], scale = c->stats[2 * row + 1];
    const float *x = c->x + row * dim;
    vf sum = v_set(0), dot = v_set(0);
    for (int64_t d = 0; d < dim; d += VL) {
      const int64_t n = MB_MIN(VL, dim - d);
      const vf grad = mb_load_float(y_dtype, c->grad_y, row * dim + d, n), normal = (v_load_n(x + d, n) - mean) * scale;
      const vf weighted = v_rounded(grad * v_load_n(c->weight + d, n));
      sum += weighted;
      dot += weighted * normal;
      if (grad_weight) {
        v_store_n(grad_weight + d, v_load_n(grad_weight + d, n) + grad * normal, n);
        v_store_n(grad_bias + d, v_load_n(grad_bias + d, n) + grad, n);
      }
    }
    if (!c->grad_x && !c->grad_delta) continue;
    const float mean_grad = v_sum(sum) / (float)dim, mean_dot = v_sum(dot) / (float)dim;
    for (int64_t d = 0; d < dim; d += VL) {
      const int64_t n = MB_MIN(VL, dim - d);
      const vf normal = (v_load_n(x + d, n) - mean) * scale;
      const vf weighted = v_rounded(mb_load_float(y_dtype, c->grad_y, row * dim + d, n) * v_load_n(c->weight + d, n));
      store_grad(delta_dtype, c, row * dim + d, (weighted - mean_grad - normal * mean_dot) * scale, n);
    }
  }
}

static void backward_body(void *context, int64_t index, int worker) {
  (void)worker;
  const backward_context *c = context;
  const int64_t from = index * c->rows_per_task, to = MB_MIN(c->rows, from + c->rows_per_task);
  float *grad_weight = c->partials ? c->partials + index * 2 * c->dim : NULL, *grad_bias = c->partials ? grad_weight + c->dim : NULL;
  if (grad_weight) memset(grad_weight, 0, sizeof(float) * (size_t)(2 * c->dim));
  MB_BY_FLOAT(c->grad_y_dtype, Y, MB_BY_FLOAT(c->grad_delta_dtype, DELTA, backward_rows(Y, DELTA, c, from, to, grad_weight, grad_bias)))
}

/* Only the sum has a gradient: it goes on unchanged. */
static void pass_body(void *context, int64_t index, int worker) {
  (void)worker;
  const backward_context *c = context;
  const int64_t from = index * c->rows_per_task * c->dim, to = MB_MIN(c->rows, (index + 1) * c->rows_per_task) * c->dim;
  MB_BY_FLOAT(c->grad_delta_dtype, DELTA, for (int64_t at = from; at < to; at += VL) store_grad(DELTA, c, at, v_set(0), MB_MIN(VL, to - at)))
}

static void combine(const backward_context *c, float *grad, int64_t which) {
  for (int64_t d = 0; d < c->dim; d += VL) {
    const int64_t n = MB_MIN(VL, c->dim - d);
    vf sum = v_set(0);
    for (int64_t task = 0; task < c->tasks; task++) sum += v_load_n(c->partials + (2 * task + which) * c->dim + d, n);
    v_store_n(grad + d, sum, n);
  }
}

/* views: grad x, grad delta, grad weight, grad bias (each may be absent), grad y, grad sum (one may be absent), x (the sum, where there was a
 * delta), stats [T, 2], weight. */
void MB_FN(mb_op_layer_norm_backward)(const mb_view *views, const double *attributes) {
  (void)attributes;
  backward_context context = {.rows = views[6].shape[0], .dim = views[6].shape[1]};
  context.grad_x = views[0].data, context.grad_delta = views[1].data, context.grad_delta_dtype = views[1].dtype, context.grad_weight = views[2].data, context.grad_bias = views[3].data;
  context.grad_y = views[4].data, context.grad_y_dtype = views[4].dtype, context.grad_sum = views[5].data;
  context.x = views[6].data, context.stats = views[7].data, context.weight = views[8].data;
  context.rows_per_task = MB_MAX(16, mb_ceil_div(context.rows, PARTIALS));
  context.tasks = (context.rows + context.rows_per_task - 1) / context.rows_per_task;
  if (context.grad_y == NULL) {
    mb_parallel(context.tasks, pass_body, &context);
    context.tasks = 0;
  } else {
    if (context.grad_weight || context.grad_bias)
      context.partials = mb_scratch(0, MB_SLOT_KERNEL_0, sizeof(float) * (size_t)(2 * context.tasks * context.dim));
    mb_parallel(context.tasks, backward_body, &context);
  }
  if (context.grad_weight) combine(&context, context.grad_weight, 0);
  if (context.grad_bias) combine(&context, context.grad_bias, 1);
}
