/* fill and iota: outputs from numbers alone. */
#include <cmath>

#include "engine/call.h"

static __global__ void fill_kernel(mb_view out, int64_t size, double value) {
  MB_LOOP(i, size) store_f64(out.data, out.dtype, offset_of(out, i), value);
}

void op_fill(const mb_call &call) {
  mb_view out = call.views[0];
  const int64_t size = size_of(out);
  if (size == 0) return;
  coalesce(&out, 1);
  const bool dense = out.rank == 0 || (out.rank == 1 && out.stride[0] == 1), zeros = call.attributes[0] == 0 && !std::signbit(call.attributes[0]);
  if (dense && zeros) return (void)cudaMemsetAsync(out.data, 0, (size_t)(size * bytes_of(out.dtype)), call.stream);
  launch(fill_kernel, loop_blocks(size), loop_threads, call.stream, out, size, call.attributes[0]);
}

/* No fused multiply-add: other backends have none. */
static __global__ void iota_kernel(mb_view out, int64_t size, int64_t extent, double start, double step) {
  MB_LOOP(i, size) store_f64(out.data, out.dtype, i, __dadd_rn(start, __dmul_rn(step, (double)(i % extent))));
}

void op_iota(const mb_call &call) {
  const mb_view &out = call.views[0];
  const int64_t size = size_of(out), extent = out.rank == 0 ? 1 : out.shape[out.rank - 1];
  if (size == 0) return;
  launch(iota_kernel, loop_blocks(size), loop_threads, call.stream, out, size, extent, call.attributes[0], call.attributes[1]);
}
