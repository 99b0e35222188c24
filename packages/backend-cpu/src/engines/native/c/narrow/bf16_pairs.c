/* bf16 activations and weights by vdpbf16ps or bfdot, which add the products of a pair to an f32. They round up to twice a pair (bfdot not to the
 * nearest even), take numbers below 2^-126 as zero and give such sums as zero. */
#include "narrow/panel_tile.h"
#include "runtime/isa.h"
#include "simd/bf16.h"

float MB_FN(mb_bf16_round)(const void *x, int x_bytes, int64_t depth, int64_t padded, int32_t *words) {
  (void)x_bytes;
  memcpy(words, x, (size_t)depth * 2);
  memset((char *)words + depth * 2, 0, (size_t)(2 * padded - depth) * 2);
  return 1;
}

#if !defined(__AMX_BF16__)

#if defined(MB_BF16_TARGET)
#define NOTHING(w)
#define STEP(sum, q, w) (vi)MB_ADD_PAIRS(sum, v_load_int(q), w)

MULTIPLY(multiply, MB_BF16_TARGET, 1, NOTHING, STEP)

static const mb_panel_kernel kernel = {.channels = CHANNELS, .panels = PANELS, .depth = 2, .planes = 1, .round = MB_FN(mb_bf16_round), .multiply = multiply};

const mb_panel_kernel *MB_FN(mb_bf16_kernel)(int x_bytes, int64_t depth) {
  return x_bytes == 2 && depth % 2 == 0 && mb_has_bf16_pairs() ? &kernel : NULL;
}
#else
const mb_panel_kernel *MB_FN(mb_bf16_kernel)(int x_bytes, int64_t depth) {
  (void)x_bytes, (void)depth;
  return NULL;
}
#endif

#endif
