/* The products of the cross-entropy in bf16, summed in f32: logits of a block, and what their gradients, rounded to bf16, give. */
#include "kernels/cross_entropy_bf16.h"

#include "base/parallel.h"
#include "simd/bf16.h"
#include "simd/transpose.h"

/* Panels of B, which lies by rows or by columns, in a slot of the worker. */
static const int32_t *panels_of(const uint16_t *b, int64_t k_stride, int64_t n_stride, int64_t k, int64_t n, int worker, int slot) {
  const int64_t panels = mb_ceil_div(n, VL), panel = mb_bf16_panel_words(k);
  int32_t *to = mb_scratch(worker, slot, (size_t)MB_MAX(1, panels * panel) * 4);
  for (int64_t i = 0; i < panels; i++) MB_FN(mb_bf16_pack)(b + i * VL * n_stride, k_stride, n_stride, k, MB_MIN(VL, n - i * VL), to + i * panel);
  return to;
}

void MB_FN(mb_entropy_logits_bf16)(const entropy_context *c, int64_t first, int64_t columns, float *logits, int worker) {
  const mb_bf16_product product = {
      .m = c->rows, .n = columns, .k = c->dim, .a = c->hidden,
      .panels = panels_of((const uint16_t *)c->weight + first * c->dim, 1, c->dim, c->dim, columns, worker, MB_SLOT_GEMM_LANES),
      .c = logits, .c_row = COLUMNS, .c_bytes = 4};
  MB_FN(mb_bf16_multiply)(c->narrow, &product);
}

void MB_FN(mb_entropy_pack_hidden)(entropy_context *c) {
  const int64_t panels = mb_ceil_div(c->dim, VL), panel = mb_bf16_panel_words(c->rows);
  for (int64_t i = 0; i < panels; i++)
    MB_FN(mb_bf16_pack)((const uint16_t *)c->hidden + i * VL, c->dim, 1, c->rows, MB_MIN(VL, c->dim - i * VL), c->hidden_panels + i * panel);
}

/* Gradients of logits [rows][COLUMNS] in bf16: as rows of even length, and turned. */
static void narrow_logits(const float *logits, int64_t rows, int64_t columns, uint16_t *by_row, int64_t row_length, uint16_t *by_column, int64_t column_length) {
  for (int64_t row = 0; row < column_length; row += VL)
    for (int64_t column = 0; column < row_length; column += VL) {
      const int64_t n = MB_MIN(VL, columns - column), kept = MB_MIN(VL, row_length - column);
      vf block[VL];
      for (int64_t i = 0; i < VL; i++) {
        block[i] = row + i < rows && n > 0 ? v_load_n(logits + (row + i) * COLUMNS + column, n) : (vf){0};
        if (row + i < rows) v_store_bf16(by_row + (row + i) * row_length + column, block[i], kept);
      }
      v_transpose(block);
      for (int64_t i = 0; i < n; i++) v_store_bf16(by_column + (column + i) * column_length + row, block[i], MB_MIN(VL, column_length - row));
    }
}

void MB_FN(mb_entropy_gradients_bf16)(const entropy_context *c, int64_t lane, int64_t first, int64_t columns, const float *logits, int add_hidden, int worker) {
  const int64_t row_length = columns + columns % 2, column_length = c->rows + c->rows % 2;
  uint16_t *by_row = mb_scratch(worker, MB_SLOT_GEMM_LINES, (size_t)(c->rows * row_length + columns * column_length) * 2);
  uint16_t *by_column = by_row + c->rows * row_length;
  narrow_logits(logits, c->rows, columns, by_row, row_length, by_column, column_length);
  const mb_bf16_product weight = {
      .m = columns, .n = c->dim, .k = column_length, .a = by_column, .panels = c->hidden_panels,
      .c = c->grad_weight + first * c->dim, .c_row = c->dim, .c_bytes = 4, .add = c->accumulate};
  MB_FN(mb_bf16_multiply)(c->narrow, &weight);
  const mb_bf16_product hidden = {
      .m = c->rows, .n = c->dim, .k = row_length, .a = by_row,
      .panels = panels_of((const uint16_t *)c->weight + first * c->dim, c->dim, 1, columns, c->dim, worker, MB_SLOT_GEMM_LANES),
      .c = c->lane_grad + lane * c->rows * c->dim, .c_row = c->dim, .c_bytes = 4, .add = add_hidden};
  MB_FN(mb_bf16_multiply)(c->narrow, &hidden);
}
