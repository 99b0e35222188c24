/* The primitive matmul over mb_gemm, of bf16 over narrow/bf16_matmul.c where that can: other float dtypes go through f32 copies, outputs without
 * contiguous columns through a dense one. */
#include "base/convert.h"
#include "gemm/gemm.h"
#include "base/parallel.h"
#include "base/strided.h"
#include "narrow/bf16_matmul.h"

typedef struct {
  mb_view from;
  float *to;
  int64_t size;
} dense_context;

static void dense_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const dense_context *c = opaque;
  const int64_t start = task * 32 * MB_BLOCK;
  MB_FN(mb_load_f32)(&c->from, start, MB_MIN(32 * MB_BLOCK, c->size - start), c->to + start);
}

static void store_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const dense_context *c = opaque;
  const int64_t start = task * 32 * MB_BLOCK;
  MB_FN(mb_store_f32)(&c->from, start, MB_MIN(32 * MB_BLOCK, c->size - start), c->to + start);
}

/* Replaces a view by one on dense f32 memory of its content (if `load`). */
static mb_view dense_f32(const mb_view *view, int slot, int load) {
  dense_context c = {.from = *view, .size = mb_size_of(view)};
  c.to = mb_scratch(0, slot, (size_t)c.size * sizeof(float));
  MB_FN(mb_coalesce)((mb_view *[]){&c.from}, 1);
  if (load) mb_parallel((c.size + 32 * MB_BLOCK - 1) / (32 * MB_BLOCK), dense_task, &c);
  mb_view dense = *view;
  dense.data = c.to;
  dense.dtype = MB_F32;
  int64_t stride = 1;
  for (int32_t axis = view->rank - 1; axis >= 0; axis--) {
    dense.stride[axis] = stride;
    stride *= view->shape[axis];
  }
  return dense;
}

static mb_view turned(const mb_view *view) {
  const int32_t row = view->rank - 2, column = view->rank - 1;
  mb_view other = *view;
  other.shape[row] = view->shape[column], other.stride[row] = view->stride[column];
  other.shape[column] = view->shape[row], other.stride[column] = view->stride[row];
  return other;
}

/* A factor in f32. Transposes are read in the order of memory, and stay transposes. */
static mb_view factor_f32(const mb_view *view, int slot) {
  if (view->dtype == MB_F32) return *view;
  if (view->stride[view->rank - 2] >= view->stride[view->rank - 1]) return dense_f32(view, slot, 1);
  const mb_view rows = turned(view), dense = dense_f32(&rows, slot, 1);
  return turned(&dense);
}

/* f64 is for oracles: plain loops in double. */
static void f64_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const mb_view *out = ((const mb_view *const *)opaque)[0], *a = ((const mb_view *const *)opaque)[1], *b = ((const mb_view *const *)opaque)[2];
  const double *attributes = ((const double *const *)opaque)[3];
  const int32_t row = out->rank - 2, column = out->rank - 1;
  int64_t m = task % out->shape[row], batch = task / out->shape[row], at = 0, at_a = 0, at_b = 0;
  for (int32_t axis = row - 1; axis >= 0; axis--) {
    const int64_t i = batch % out->shape[axis];
    batch /= out->shape[axis];
    at += i * out->stride[axis];
    at_a += i * a->stride[axis];
    at_b += i * b->stride[axis];
  }
  for (int64_t n = 0; n < out->shape[column]; n++) {
    double sum = 0;
    for (int64_t k = 0; k < a->shape[column]; k++)
      sum += ((const double *)a->data)[at_a + m * a->stride[row] + k * a->stride[column]] *
             ((const double *)b->data)[at_b + k * b->stride[row] + n * b->stride[column]];
    double *to = (double *)out->data + at + m * out->stride[row] + n * out->stride[column];
    *to = attributes[0] * sum + (attributes[1] != 0 ? *to : 0);
  }
}

static void matmul_f32(const mb_view *out, const mb_view *a, const mb_view *b, const double *attributes) {
  const int32_t row = out->rank - 2, column = out->rank - 1;
  mb_gemm_args x = {
      .m = out->shape[row], .n = out->shape[column], .k = a->shape[column],
      .a = a->data, .b = b->data, .c = out->data,
      .a_row = a->stride[row], .a_col = a->stride[column], .b_row = b->stride[row], .b_col = b->stride[column], .c_row = out->stride[row],
      .alpha = (float)attributes[0], .accumulate = attributes[1] != 0, .batch_rank = row,
  };
  for (int32_t axis = 0; axis < row; axis++) {
    x.batch[axis] = out->shape[axis];
    x.a_batch[axis] = a->stride[axis];
    x.b_batch[axis] = b->stride[axis];
    x.c_batch[axis] = out->stride[axis];
  }
  MB_FN(mb_gemm)(&x);
}

/* attributes: alpha, accumulate */
void MB_FN(mb_op_matmul)(const mb_view *views, const double *attributes) {
  const mb_view *out = &views[0];
  const int64_t size = mb_size_of(out);
  if (size == 0) return;
  if (out->dtype == MB_F64) {
    const void *context[] = {&views[0], &views[1], &views[2], attributes};
    mb_parallel(size / out->shape[out->rank - 1], f64_task, context);
    return;
  }
  if (attributes[0] == 1 && attributes[1] == 0 && MB_FN(mb_bf16_matmul)(out, &views[1], &views[2])) return;
  const mb_view a = factor_f32(&views[1], MB_SLOT_KERNEL_0), b = factor_f32(&views[2], MB_SLOT_KERNEL_1);
  const int in_place = out->dtype == MB_F32 && (out->stride[out->rank - 1] == 1 || out->shape[out->rank - 1] == 1);
  if (in_place) {
    matmul_f32(out, &a, &b, attributes);
    return;
  }
  const mb_view dense = dense_f32(out, MB_SLOT_KERNEL_2, attributes[1] != 0);
  matmul_f32(&dense, &a, &b, attributes);
  dense_context c = {.from = *out, .to = dense.data, .size = size};
  MB_FN(mb_coalesce)((mb_view *[]){&c.from}, 1);
  mb_parallel((size + 32 * MB_BLOCK - 1) / (32 * MB_BLOCK), store_task, &c);
}
