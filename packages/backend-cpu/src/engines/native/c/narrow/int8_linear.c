/* Linear layer over int8 weights: rows of activations are rounded to bytes, each with a scale of its own, and multiplied in whole numbers. */
#include "base/convert.h"
#include "narrow/panel_linear.h"

#define SMALLEST 1e-30f /* rows that are smaller count as zeros */

typedef int8_t bytes_of_vector __attribute__((vector_size(VL)));

/* Inlined with a constant dtype. */
static inline __attribute__((always_inline)) float round_row(const void *x, int32_t dtype, int64_t depth, int64_t padded, int32_t *words) {
  int8_t *to = (int8_t *)words;
  vf largest = {0};
  vi broken = {0};
  for (int64_t d = 0; d < depth; d += VL) {
    const vf magnitude = v_abs(mb_load_float(dtype, x, d, MB_MIN(VL, depth - d)));
    largest = v_greater_of(magnitude, largest);
    broken |= ~(magnitude < __builtin_inff());
  }
  if (v_any(broken)) {
    memset(to, 0, (size_t)padded * 4);
    return __builtin_nanf("");
  }
  const float most = v_largest(largest);
  const vf inverse = v_set(most > SMALLEST ? 127 / most : 0);
  int64_t d = 0;
  for (; d < depth; d += VL) {
    const vf scaled = v_rounded(mb_load_float(dtype, x, d, MB_MIN(VL, depth - d)) * inverse);
    const vi whole = (vi)(scaled + V_ROUNDER) - (vi)v_set(V_ROUNDER);
    const bytes_of_vector packed = __builtin_convertvector(whole, bytes_of_vector);
    memcpy(to + d, &packed, VL);
  }
  if (d < 4 * padded) memset(to + d, 0, (size_t)(4 * padded - d));
  return most / 127;
}

/* A row that is not finite becomes zeros worth NaN. */
float MB_FN(mb_int8_round)(const void *x, int x_bytes, int64_t depth, int64_t padded, int32_t *words) {
  return x_bytes == 4 ? round_row(x, MB_F32, depth, padded, words) : round_row(x, MB_BF16, depth, padded, words);
}

/* views: y [T, n] and x [T, k] in f32 or both in bf16, weight [n, k/4], scales [n], bias (or absent). */
void MB_FN(mb_op_int8_linear)(const mb_view *views, const double *attributes) {
  (void)attributes;
  const int bytes = (int)mb_bytes_of(views[1].dtype);
  const mb_panel_linear_args args = {.rows = views[0].shape[0], .depth = views[1].shape[1], .channels = views[0].shape[1],
                                     .channel_bytes = 4 * views[2].shape[1], .y = views[0].data, .y_bytes = bytes, .x = views[1].data, .x_bytes = bytes, .weight = views[2].data,
                                     .scales = views[3].data, .bias = views[4].data};
  if (args.rows <= MB_INT8_ROWS) MB_FN(mb_int8_rows)(&args);
  else MB_FN(mb_panel_linear)(MB_FN(mb_int8_kernel)(), &args);
}
