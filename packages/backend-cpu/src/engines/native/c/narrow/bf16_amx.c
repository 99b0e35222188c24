/* bf16 weights in AMX tiles. An activation is split into two bf16, x = high + low to within 2^-17 |x|, so that its rounding stays far
 * below that of the weights (2^-9); factors in f32 take three (amx/parts.h). Infinite and NaN activations keep their values. Besides, the
 * instruction takes parts and results below 2^-126 as zero. */
#include "narrow/amx.h"

#if defined(__AMX_BF16__)

MB_AMX_KERNEL(multiply, _tile_dpbf16ps, 2)

/* The nearest bf16, ties to even, in the upper halves; NaN stays NaN, and what is too large becomes infinite. */
static inline vf nearest(vf x) {
  const vu bits = (vu)x;
  const vu rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000;
  return v_blend(x != x, x, (vf)rounded);
}

static inline void store_halves(vf a, uint16_t *to) {
  typedef uint16_t halves __attribute__((vector_size(VL * 2)));
  const halves h = __builtin_convertvector((vu)a >> 16, halves);
  memcpy(to, &h, sizeof h);
}

static float split(const float *x, int64_t depth, int64_t padded, int32_t *planes) {
  uint16_t *high = (uint16_t *)planes, *low = (uint16_t *)(planes + padded);
  int64_t d = 0;
  for (; d < depth; d += VL) {
    const vf value = v_load_n(x + d, MB_MIN(VL, depth - d)), part = nearest(value), rest = value - part;
    store_halves(part, high + d);
    store_halves(v_blend(v_abs(value) < __builtin_inff(), nearest(rest), (vf){0}), low + d);
  }
  memset(high + d, 0, (size_t)(2 * padded - d) * 2);
  memset(low + d, 0, (size_t)(2 * padded - d) * 2);
  return 1;
}

static const mb_panel_kernel kernel = {.channels = 32, .panels = 2, .depth = 2, .planes = 2, .round = split, .begin = mb_amx_begin,
                                       .end = mb_amx_end, .multiply = multiply};

const mb_panel_kernel *MB_FN(mb_bf16_kernel)(void) { return &kernel; }

#else
const mb_panel_kernel *MB_FN(mb_bf16_kernel)(void) { return NULL; }
#endif
