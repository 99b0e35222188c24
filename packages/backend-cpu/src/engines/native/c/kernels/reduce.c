/* reduce: sum and max over any axes. Runs and columns of the input are accumulated in vector lanes over short stretches, and stretches
 * in double, so that the error stays near one rounding; the order depends on the shape and the vector length only. */
#include <stdlib.h>

#include "base/convert.h"
#include "base/parallel.h"
#include "base/strided.h"

/* Elements per partial result: one task each when a single output is long. */
#define PIECE (16 * MB_BLOCK)
/* The column case: columns and rows of a task, and rows that are added in f32 before they go to double. */
#define COLUMNS 256
#define ROWS 256
#define STRETCH 64

typedef struct {
  mb_view out, kept, reduced; /* kept and reduced: the input's axes, split */
  int64_t outputs, depth, pieces, outputs_per_task;
  int64_t columns; /* of the column case: extent of the last kept axis */
  double *partial; /* [outputs, pieces] or [pieces, outputs] */
  int max;
} reduce_context;

static double identity(const reduce_context *c) { return c->max ? -INFINITY : 0; }

static double combine(const reduce_context *c, double a, double b) {
  if (!c->max) return a + b;
  return a != a || a > b ? a : b;
}

static double reduce_f32_run(const reduce_context *c, const float *x, int64_t n) {
  vf lanes[4];
  for (int j = 0; j < 4; j++) lanes[j] = v_set((float)identity(c));
  int64_t i = 0;
  if (c->max) {
    for (; i + 4 * VL <= n; i += 4 * VL)
      for (int j = 0; j < 4; j++) lanes[j] = v_max(lanes[j], v_load(x + i + j * VL));
  } else {
    for (; i + 4 * VL <= n; i += 4 * VL)
      for (int j = 0; j < 4; j++) lanes[j] += v_load(x + i + j * VL);
  }
  double result = identity(c);
  for (; i < n; i++) result = combine(c, result, x[i]);
  for (int j = 0; j < 4; j++)
    for (int lane = 0; lane < VL; lane++) result = combine(c, result, lanes[j][lane]);
  return result;
}

static int in_f32(const mb_view *view) { return view->dtype == MB_F32 || view->dtype == MB_F16 || view->dtype == MB_BF16; }

static int64_t offset_of(const mb_view *view, int64_t position) {
  int64_t offset = 0;
  for (int32_t axis = view->rank - 1; axis >= 0; axis--) {
    offset += position % view->shape[axis] * view->stride[axis];
    position /= view->shape[axis];
  }
  return offset;
}

/* One output over elements start…end-1 of the reduced axes. */
static double reduce_stretch(const reduce_context *c, int64_t output, int64_t start, int64_t end) {
  union {
    float f32[MB_BLOCK];
    double f64[MB_BLOCK];
  } block;
  mb_view row = c->reduced;
  row.data = mb_element(&c->kept, offset_of(&c->kept, output));
  double result = identity(c);
  for (int64_t at = start; at < end; at += MB_BLOCK) {
    const int64_t n = MB_MIN(MB_BLOCK, end - at);
    if (row.dtype == MB_F32 && mb_is_contiguous(&row)) result = combine(c, result, reduce_f32_run(c, (float *)row.data + at, n));
    else if (in_f32(&row)) {
      MB_FN(mb_load_f32)(&row, at, n, block.f32);
      result = combine(c, result, reduce_f32_run(c, block.f32, n));
    } else {
      MB_FN(mb_load_f64)(&row, at, n, block.f64);
      for (int64_t i = 0; i < n; i++) result = combine(c, result, block.f64[i]);
    }
  }
  return result;
}

static void rows_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const reduce_context *c = opaque;
  const int64_t end = MB_MIN(c->outputs, (task + 1) * c->outputs_per_task);
  for (int64_t output = task * c->outputs_per_task; output < end; output++) {
    const double result = reduce_stretch(c, output, 0, c->depth);
    MB_FN(mb_store_f64)(&c->out, output, 1, &result);
  }
}

static void piece_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const reduce_context *c = opaque;
  const int64_t output = task / c->pieces, piece = task % c->pieces;
  c->partial[task] = reduce_stretch(c, output, piece * PIECE, MB_MIN(c->depth, (piece + 1) * PIECE));
}

static void reduce_rows(reduce_context *c) {
  c->pieces = (c->depth + PIECE - 1) / PIECE;
  if (c->pieces < 2) {
    c->outputs_per_task = MB_MAX(1, PIECE / MB_MAX(1, c->depth));
    mb_parallel((c->outputs + c->outputs_per_task - 1) / c->outputs_per_task, rows_task, c);
    return;
  }
  c->partial = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)(c->outputs * c->pieces) * sizeof(double));
  mb_parallel(c->outputs * c->pieces, piece_task, c);
  for (int64_t output = 0; output < c->outputs; output++) {
    double result = identity(c);
    for (int64_t piece = 0; piece < c->pieces; piece++) result = combine(c, result, c->partial[output * c->pieces + piece]);
    MB_FN(mb_store_f64)(&c->out, output, 1, &result);
  }
}

/* The case that the last kept axis is contiguous: whole vectors of outputs, row after row. */
static void column_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const reduce_context *c = opaque;
  const int64_t blocks = (c->columns + COLUMNS - 1) / COLUMNS;
  const int64_t piece = task % c->pieces, block = task / c->pieces % blocks, group = task / c->pieces / blocks;
  const int64_t n = MB_MIN(COLUMNS, c->columns - block * COLUMNS), output = group * c->columns + block * COLUMNS;
  const int64_t origin = offset_of(&c->kept, output), end = MB_MIN(c->depth, (piece + 1) * ROWS);
  double *total = c->partial + piece * c->outputs + output;
  _Alignas(64) float sum[COLUMNS], row[COLUMNS];
  for (int64_t i = 0; i < n; i++) total[i] = identity(c);
  for (int64_t start = piece * ROWS; start < end; start += STRETCH) {
    for (int64_t i = 0; i < COLUMNS; i++) sum[i] = (float)identity(c);
    for (int64_t r = start; r < MB_MIN(end, start + STRETCH); r++) {
      const char *at = mb_element(&c->reduced, origin + offset_of(&c->reduced, r));
      const float *x = (const float *)at;
      if (c->reduced.dtype != MB_F32) {
        MB_FN(mb_to_f32)(at, c->reduced.dtype, n, row);
        x = row;
      }
      if (c->max) {
        int64_t i = 0;
        for (; i + VL <= n; i += VL) v_store(sum + i, v_max(v_load(sum + i), v_load(x + i)));
        for (; i < n; i++) sum[i] = (float)combine(c, sum[i], x[i]);
      } else
        for (int64_t i = 0; i < n; i++) sum[i] += x[i];
    }
    for (int64_t i = 0; i < n; i++) total[i] = combine(c, total[i], sum[i]);
  }
}

static void reduce_columns(reduce_context *c) {
  c->columns = c->kept.shape[c->kept.rank - 1];
  c->pieces = MB_MAX(1, (c->depth + ROWS - 1) / ROWS);
  c->partial = mb_scratch(0, MB_SLOT_KERNEL_0, (size_t)(c->outputs * c->pieces) * sizeof(double));
  mb_parallel(c->outputs / c->columns * ((c->columns + COLUMNS - 1) / COLUMNS) * c->pieces, column_task, c);
  for (int64_t piece = 1; piece < c->pieces; piece++)
    for (int64_t i = 0; i < c->outputs; i++) c->partial[i] = combine(c, c->partial[i], c->partial[piece * c->outputs + i]);
  MB_FN(mb_store_f64)(&c->out, 0, c->outputs, c->partial);
}

static void append_axis(mb_view *to, const mb_view *from, int32_t axis) {
  to->shape[to->rank] = from->shape[axis];
  to->stride[to->rank++] = from->stride[axis];
}

/* attributes: 1 for max, bit mask of the reduced axes */
void MB_FN(mb_op_reduce)(const mb_view *views, const double *attributes) {
  const mb_view *in = &views[1];
  const int32_t axes = (int32_t)attributes[1];
  reduce_context context = {.out = views[0], .kept = *in, .reduced = *in, .max = attributes[0] != 0};
  reduce_context *c = &context;
  c->kept.rank = c->reduced.rank = 0;
  for (int32_t axis = 0; axis < in->rank; axis++) append_axis(axes >> axis & 1 ? &c->reduced : &c->kept, in, axis);
  MB_FN(mb_coalesce)((mb_view *[]){&c->out}, 1);
  MB_FN(mb_coalesce)((mb_view *[]){&c->kept}, 1);
  MB_FN(mb_coalesce)((mb_view *[]){&c->reduced}, 1);
  c->outputs = mb_size_of(&c->kept);
  c->depth = mb_size_of(&c->reduced);
  if (c->outputs == 0) return;
  const int32_t last = c->kept.rank - 1;
  if (in_f32(in) && last >= 0 && c->kept.stride[last] == 1 && c->kept.shape[last] >= VL) reduce_columns(c);
  else reduce_rows(c);
}
