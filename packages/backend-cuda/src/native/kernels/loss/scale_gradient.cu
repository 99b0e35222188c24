/* The gradients that the forward of linearCrossEntropy made, times the gradient of the loss. */
#include "base/packs.h"
#include "engine/call.h"

static __global__ void scale_kernel(mb_view to, mb_view from, const float *loss, float factor, int64_t size, bool aligned) {
  const float by = *loss * factor;
  MB_LOOP(pack, (size + 3) / 4) {
    const int64_t at = 4 * pack, count = size - at;
    const bool whole = aligned && count >= 4;
    mb_pack<float> values = load_pack(from.data, from.dtype, at, count, whole);
#pragma unroll
    for (int i = 0; i < 4; i++) values.at[i] *= by;
    store_pack(to.data, to.dtype, at, values, count, whole);
  }
}

/* views: gradient, the same for a loss gradient of 1, gradient of the loss [1]; attribute: another factor. */
void op_scale_gradient(const mb_call &call) {
  const mb_view &to = call.views[0], &from = call.views[1];
  const int64_t size = size_of(to);
  if (size == 0) return;
  const bool aligned = fits_packs(to.data, to.dtype) && fits_packs(from.data, from.dtype);
  const float *const loss = (const float *)call.views[2].data;
  launch(scale_kernel, loop_blocks((size + 3) / 4), loop_threads, call.stream, to, from, loss, (float)call.attributes[0], size, aligned);
}
