/* A factor is wanted as rows of depths, each an even number of them, as one factor of a linear layer lies. Others are turned or copied into
 * scratch memory: a small part of the work where rows are many. */
#include "narrow/bf16_matmul.h"

#include "base/parallel.h"
#include "narrow/panel_linear.h"
#include "simd/transpose.h"

/* Fewer rows are not worth turning a factor for. */
#define ROWS 32
/* Rows of a task: of a turned factor, columns that fill cache lines. */
#define TASK_ROWS (2 * VL)

typedef uint16_t halves __attribute__((vector_size(2 * VL)));

/* Element (row, k) is at from[row * stride + k * depth_stride]. */
typedef struct {
  const uint16_t *from;
  int64_t stride, depth_stride, rows, depth, padded; /* padded: depth made even */
  uint16_t *to;
} factor;

static vi neighbours(const factor *f, int64_t row, int64_t rows, int64_t k) {
  halves loaded = {0};
  if (k < f->depth) memcpy(&loaded, f->from + row + k * f->depth_stride, (size_t)rows * 2);
  return __builtin_convertvector(loaded, vi);
}

/* Pairs of depths become words, VL rows and VL words at a time. */
static void turn_rows(const factor *f, int64_t row, int64_t rows) {
  const int64_t words = f->padded / 2;
  for (int64_t word = 0; word < words; word += VL) {
    vf block[VL];
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++)
      block[i] = (vf)(neighbours(f, row, rows, 2 * (word + i)) | neighbours(f, row, rows, 2 * (word + i) + 1) << 16);
    v_transpose(block);
    int32_t *to = (int32_t *)f->to + row * words + word;
    for (int64_t i = 0; i < rows; i++) v_store_n((float *)to + i * words, block[i], MB_MIN(VL, words - word));
  }
}

static void rows_task(void *opaque, int64_t task, int worker) {
  (void)worker;
  const factor *f = opaque;
  const int64_t end = MB_MIN(f->rows, (task + 1) * TASK_ROWS);
  for (int64_t row = task * TASK_ROWS; row < end; row += VL) {
    const int64_t rows = MB_MIN(VL, end - row);
    if (f->depth_stride != 1) turn_rows(f, row, rows);
    else
      for (int64_t i = row; i < row + rows; i++) {
        memcpy(f->to + i * f->padded, f->from + i * f->stride, (size_t)f->depth * 2);
        if (f->padded > f->depth) f->to[i * f->padded + f->depth] = 0;
      }
  }
}

/* The factor as dense rows of `padded`. */
static const uint16_t *laid_out(factor *f, int slot) {
  if (f->depth_stride == 1 && f->stride == f->padded && f->padded == f->depth) return f->from;
  f->to = mb_scratch(0, slot, (size_t)(f->rows * f->padded) * 2);
  mb_parallel(mb_ceil_div(f->rows, TASK_ROWS), rows_task, f);
  return f->to;
}

static int suits(const factor *f) { return f->stride == 1 || f->depth_stride == 1; }

int MB_FN(mb_bf16_matmul)(const mb_view *out, const mb_view *a, const mb_view *b) {
  if (out->rank != 2 || a->dtype != MB_BF16 || b->dtype != MB_BF16 || (out->dtype != MB_BF16 && out->dtype != MB_F32)) return 0;
  const int64_t m = out->shape[0], n = out->shape[1], k = a->shape[1], padded = k + k % 2;
  factor rows = {.from = a->data, .stride = a->stride[0], .depth_stride = a->stride[1], .rows = m, .depth = k, .padded = padded};
  factor channels = {.from = b->data, .stride = b->stride[1], .depth_stride = b->stride[0], .rows = n, .depth = k, .padded = padded};
  const mb_panel_kernel *kernel = MB_FN(mb_bf16_kernel)(2, padded);
  if (!kernel || k == 0 || m < ROWS || n < ROWS || !suits(&rows) || !suits(&channels) || out->stride[1] != 1 || out->stride[0] != n) return 0;
  const mb_panel_linear_args args = {.rows = m, .depth = padded, .channels = n, .channel_bytes = 2 * padded, .x_bytes = 2,
                                     .x = laid_out(&rows, MB_SLOT_GEMM_LANES), .weight = laid_out(&channels, MB_SLOT_GEMM_LINES),
                                     .y = out->data, .y_bytes = (int)mb_bytes_of(out->dtype)};
  MB_FN(mb_panel_linear)(kernel, &args);
  return 1;
}
