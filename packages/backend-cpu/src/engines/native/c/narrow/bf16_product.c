/* What products of bf16 matrices are made of: panels, turned rows, and one thread's part of a product. */
#include "narrow/bf16_gemm.h"

#include "simd/bf16.h"
#include "simd/transpose.h"

/* Columns are neighbours: two rows of B make the words of one pair. */
static void pack_interleaved(const uint16_t *b, int64_t k_stride, int64_t k, int64_t columns, int32_t *panel) {
  int64_t at = 0;
  for (; at + 1 < k; at += 2, panel += VL) {
    const uint16_t *row = b + at * k_stride;
    v_store_int(panel, (vi)(v_load_halves(row, columns) | v_load_halves(row + k_stride, columns) << 16));
  }
  if (at < k) v_store_int(panel, (vi)v_load_halves(b + at * k_stride, columns));
}

/* A column lies in one piece: words are turned VL × VL at a time. */
static void pack_turned(const uint16_t *b, int64_t n_stride, int64_t k, int64_t columns, int32_t *panel) {
  for (int64_t at = 0; at < k; at += 2 * VL) {
    const int64_t numbers = MB_MIN(2 * VL, k - at);
    vf block[VL];
    for (int i = 0; i < VL; i++) {
      vi words = {0};
      if (i < columns) memcpy(&words, b + i * n_stride + at, (size_t)numbers * 2);
      block[i] = (vf)words;
    }
    v_transpose(block);
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) v_store_int(panel + (at / 2 + i) * VL, (vi)block[i]);
  }
}

void MB_FN(mb_bf16_pack)(const uint16_t *b, int64_t k_stride, int64_t n_stride, int64_t k, int64_t columns, int32_t *panel) {
  const int64_t words = mb_ceil_div(k, 2) * VL, all = mb_bf16_panel_words(k);
  if (n_stride == 1) pack_interleaved(b, k_stride, k, columns, panel);
  else pack_turned(b, n_stride, k, columns, panel);
  memset(panel + words, 0, (size_t)(all - words) * 4);
}

void MB_FN(mb_bf16_turn)(const uint16_t *from, int64_t k_stride, int64_t rows, int64_t k, uint16_t *to, int64_t stride) {
  for (int64_t at = 0; at < stride; at += VL) {
    vf block[VL];
    for (int64_t i = 0; i < VL; i++) block[i] = at + i < k ? (vf)(v_load_halves(from + (at + i) * k_stride, rows) << 16) : (vf){0};
    v_transpose(block);
    for (int64_t i = 0; i < rows; i++) v_store_halves(to + i * stride + at, v_upper(block[i]), MB_MIN(VL, stride - at));
  }
}

static void store(const mb_bf16_product *x, int64_t line, int64_t lines, int64_t column, int64_t columns, const int32_t *sums, int64_t width) {
  for (int64_t i = 0; i < lines; i++) {
    char *to = (char *)x->c + ((line + i) * x->c_row + column) * x->c_bytes;
    for (int64_t j = 0; j < columns; j += VL) {
      const int64_t n = MB_MIN(VL, columns - j);
      const vf sum = (vf)v_load_int(sums + i * width + j);
      if (x->c_bytes == 2) v_store_bf16((uint16_t *)to + j, sum, n);
      else v_store_n((float *)to + j, x->add ? v_load_n((float *)to + j, n) + sum : sum, n);
    }
  }
}

void MB_FN(mb_bf16_multiply)(const mb_panel_kernel *kernel, const mb_bf16_product *x) {
  const int64_t panel = mb_bf16_panel_words(x->k), bytes = 2 * x->k;
  _Alignas(64) int32_t sums[MB_TASK_CHANNELS * MB_MOST_PANELS * VL];
  if (kernel->begin) kernel->begin();
  for (int64_t column = 0; column < x->n; column += kernel->panels * VL) {
    const int64_t columns = MB_MIN(kernel->panels * VL, x->n - column), panels = mb_ceil_div(columns, VL);
    for (int64_t line = 0; line < x->m; line += kernel->channels) {
      const int64_t lines = MB_MIN(kernel->channels, x->m - line);
      kernel->multiply((int)lines, (int)panels, bytes, (const char *)(x->a + line * x->k), 2 * kernel->channels * bytes, x->panels + column / VL * panel, panel, sums);
      store(x, line, lines, column, columns, sums, panels * VL);
    }
  }
  if (kernel->end) kernel->end();
}
