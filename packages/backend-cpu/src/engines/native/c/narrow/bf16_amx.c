/* bf16 weights in AMX tiles. An activation in bf16 is multiplied as it is. One in f32 is split into two bf16, x = high + low to within
 * 2^-17 |x|, so that its rounding stays far below that of the weights (2^-9); factors in f32 take three (amx/parts.h). Infinite and NaN
 * activations keep their values. Besides, the instruction takes parts and results below 2^-126 as zero. */
#include "narrow/amx.h"
#include "simd/bf16.h"

#if defined(__AMX_BF16__)

MB_AMX_KERNEL(multiply_split, _tile_dpbf16ps, 2)
MB_AMX_KERNEL(multiply_pairs, _tile_dpbf16ps, 1)

static float split(const void *row, int x_bytes, int64_t depth, int64_t padded, int32_t *planes) {
  (void)x_bytes;
  const float *x = row;
  uint16_t *high = (uint16_t *)planes, *low = (uint16_t *)(planes + padded);
  int64_t d = 0;
  for (; d < depth; d += VL) {
    const vf value = v_load_n(x + d, MB_MIN(VL, depth - d)), part = v_nearest_bf16(value), rest = value - part;
    v_store_halves(high + d, v_upper(part), VL);
    v_store_halves(low + d, v_upper(v_blend(v_abs(value) < __builtin_inff(), v_nearest_bf16(rest), (vf){0})), VL);
  }
  memset(high + d, 0, (size_t)(2 * padded - d) * 2);
  memset(low + d, 0, (size_t)(2 * padded - d) * 2);
  return 1;
}

#define TILES .channels = 32, .panels = 2, .depth = 2, .begin = mb_amx_begin, .end = mb_amx_end

static const mb_panel_kernel kernel_split = {TILES, .planes = 2, .round = split, .multiply = multiply_split};
static const mb_panel_kernel kernel_pairs = {TILES, .planes = 1, .round = MB_FN(mb_bf16_round), .multiply = multiply_pairs};

const mb_panel_kernel *MB_FN(mb_bf16_kernel)(int x_bytes, int64_t depth) {
  (void)depth;
  return x_bytes == 2 ? &kernel_pairs : &kernel_split;
}

#else
typedef int nothing_here; /* narrow/bf16_pairs.c */
#endif
