/* copy: strided copies and casts. Same-size copies move bits: whole, by rows, or by squares where one side runs across the other. */
#include "base/convert.h"
#include "base/parallel.h"
#include "base/strided.h"

#define TASK_BYTES (256 << 10)
#define SQUARE 32

typedef struct {
  mb_view out, in;
  int64_t size, rows_per_task;
} copy_context;

static void bytes_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const copy_context *c = opaque;
  const int64_t bytes = c->size * mb_bytes_of(c->out.dtype), start = task * TASK_BYTES;
  memcpy((char *)c->out.data + start, (const char *)c->in.data + start, (size_t)MB_MIN(TASK_BYTES, bytes - start));
}

/* The offset of row `row`, counting over all axes but the last `inner`. */
static int64_t row_offset(const mb_view *view, int64_t row, int32_t inner) {
  int64_t offset = 0;
  for (int32_t axis = view->rank - inner - 1; axis >= 0; axis--) {
    offset += row % view->shape[axis] * view->stride[axis];
    row /= view->shape[axis];
  }
  return offset;
}

static void rows_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const copy_context *c = opaque;
  const int64_t extent = c->out.shape[c->out.rank - 1], rows = c->size / extent;
  const int64_t end = MB_MIN(rows, (task + 1) * c->rows_per_task);
  for (int64_t row = task * c->rows_per_task; row < end; row++)
    memcpy(mb_element(&c->out, row_offset(&c->out, row, 1)), mb_element(&c->in, row_offset(&c->in, row, 1)),
           (size_t)(extent * mb_bytes_of(c->out.dtype)));
}

/* One matrix of rows × columns elements, SQUARE × SQUARE at a time. */
#define DEFINE_TRANSPOSE(type)                                                                                          \
  static void transpose_##type(type *out, int64_t out_row, int64_t out_column, const type *in, int64_t in_row,          \
                               int64_t in_column, int64_t rows, int64_t columns) {                                      \
    for (int64_t column = 0; column < columns; column += SQUARE)                                                          \
      for (int64_t row = 0; row < rows; row++)                                                                          \
        for (int64_t k = column; k < MB_MIN(columns, column + SQUARE); k++)                                               \
          out[row * out_row + k * out_column] = in[row * in_row + k * in_column];                                       \
  }
DEFINE_TRANSPOSE(uint16_t)
DEFINE_TRANSPOSE(uint32_t)
DEFINE_TRANSPOSE(uint64_t)

/* Strips of SQUARE rows over the last two axes. */
static void squares_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const copy_context *c = opaque;
  const mb_view *out = &c->out, *in = &c->in;
  const int32_t row = out->rank - 2, column = out->rank - 1;
  const int64_t strips = mb_ceil_div(out->shape[row], SQUARE);
  const int64_t first = task % strips * SQUARE, rows = MB_MIN(SQUARE, out->shape[row] - first);
  char *to = mb_element(out, row_offset(out, task / strips, 2) + first * out->stride[row]);
  const char *from = mb_element(in, row_offset(in, task / strips, 2) + first * in->stride[row]);
#define TRANSPOSE(type)                                                                                              \
  transpose_##type((type *)to, out->stride[row], out->stride[column], (const type *)from, in->stride[row],           \
                   in->stride[column], rows, out->shape[column])
  switch (mb_bytes_of(out->dtype)) {
    case 2: TRANSPOSE(uint16_t); break;
    case 4: TRANSPOSE(uint32_t); break;
    default: TRANSPOSE(uint64_t);
  }
}

static int through_f32(int32_t dtype) { return dtype == MB_F32 || dtype == MB_F16 || dtype == MB_BF16; }

static void cast_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const copy_context *c = opaque;
  const int64_t end = MB_MIN(c->size, (task + 1) * 32 * MB_BLOCK);
  union {
    float f32[MB_BLOCK];
    double f64[MB_BLOCK];
  } block;
  for (int64_t start = task * 32 * MB_BLOCK; start < end; start += MB_BLOCK) {
    const int64_t n = MB_MIN(MB_BLOCK, end - start);
    if (through_f32(c->in.dtype) && through_f32(c->out.dtype)) {
      MB_FN(mb_load_f32)(&c->in, start, n, block.f32);
      MB_FN(mb_store_f32)(&c->out, start, n, block.f32);
    } else {
      MB_FN(mb_load_f64)(&c->in, start, n, block.f64);
      MB_FN(mb_store_f64)(&c->out, start, n, block.f64);
    }
  }
}

static void swap_axes(mb_view *view, int32_t i, int32_t j) {
  const int64_t extent = view->shape[i], stride = view->stride[i];
  view->shape[i] = view->shape[j];
  view->stride[i] = view->stride[j];
  view->shape[j] = extent;
  view->stride[j] = stride;
}

/* Makes an axis along which one side is contiguous the last but one, so that the last two axes can be moved by squares. */
static int find_squares(copy_context *c) {
  const int32_t last = c->out.rank - 1;
  for (int32_t axis = 0; axis < last; axis++) {
    if (c->in.stride[axis] != 1 && c->out.stride[axis] != 1) continue;
    swap_axes(&c->out, axis, last - 1);
    swap_axes(&c->in, axis, last - 1);
    return 1;
  }
  return 0;
}

static int is_integer(int32_t dtype) { return dtype == MB_I32 || dtype == MB_U32; }

void MB_FN(mb_op_copy)(const mb_view *views, const double *attributes) {
  (void)attributes;
  copy_context context = {.out = views[0], .in = views[1]};
  copy_context *c = &context;
  c->size = mb_size_of(&c->out);
  if (c->size == 0) return;
  MB_FN(mb_coalesce)((mb_view *[]){&c->out, &c->in}, 2);
  const int64_t item = mb_bytes_of(c->out.dtype);
  const int same_bits = c->out.dtype == c->in.dtype || (is_integer(c->out.dtype) && is_integer(c->in.dtype));
  if (same_bits && mb_is_contiguous(&c->out) && mb_is_contiguous(&c->in)) {
    mb_parallel(mb_ceil_div(c->size * item, TASK_BYTES), bytes_task, c);
    return;
  }
  const int32_t last = c->out.rank - 1;
  if (same_bits && c->out.stride[last] == 1 && c->in.stride[last] == 1) {
    const int64_t rows = c->size / c->out.shape[last];
    c->rows_per_task = MB_MAX(1, TASK_BYTES / (c->out.shape[last] * item));
    mb_parallel((rows + c->rows_per_task - 1) / c->rows_per_task, rows_task, c);
    return;
  }
  if (same_bits && find_squares(c)) {
    const int64_t matrix = c->out.shape[last - 1] * c->out.shape[last];
    mb_parallel(c->size / matrix * mb_ceil_div(c->out.shape[last - 1], SQUARE), squares_task, c);
    return;
  }
  mb_parallel((c->size + 32 * MB_BLOCK - 1) / (32 * MB_BLOCK), cast_task, c);
}
