/* copy: any strides, any dtypes. Whole numbers go through f64, which holds all of them. */
#include "engine/call.h"

static __global__ void copy_floats(mb_view to, mb_view from, int64_t size) {
  MB_LOOP(i, size) store_f32(to.data, to.dtype, offset_of(to, i), load_f32(from.data, from.dtype, offset_of(from, i)));
}

static __global__ void copy_exactly(mb_view to, mb_view from, int64_t size) {
  MB_LOOP(i, size) store_f64(to.data, to.dtype, offset_of(to, i), load_f64(from.data, from.dtype, offset_of(from, i)));
}

void op_copy(const mb_call &call) {
  mb_view views[2] = {call.views[0], call.views[1]};
  const int64_t size = size_of(views[0]);
  if (size == 0) return;
  coalesce(views, 2);
  const auto kernel = is_float(views[1].dtype) ? copy_floats : copy_exactly;
  launch(kernel, loop_blocks(size), loop_threads, call.stream, views[0], views[1], size);
}
