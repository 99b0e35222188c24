/* randomBits: a thread draws the four numbers of a block. */
#include "base/philox.h"
#include "engine/call.h"

static __global__ void random_kernel(mb_view out, int64_t size, mb_draw draw) {
  MB_LOOP(block, (size + 3) / 4) {
    uint32_t words[4];
    philox(draw, (uint64_t)block, words);
    for (int64_t word = 0; word < 4 && 4 * block + word < size; word++) {
      if (out.dtype == MB_F32) ((float *)out.data)[4 * block + word] = uniform_of(words[word]);
      else ((uint32_t *)out.data)[4 * block + word] = words[word];
    }
  }
}

/* views: out, step or none; attributes: key, counter. */
void op_random_bits(const mb_call &call) {
  const int64_t size = size_of(call.views[0]);
  if (size == 0) return;
  launch(random_kernel, loop_blocks((size + 3) / 4), loop_threads, call.stream, call.views[0], size, draw_of(call.attributes, call.views[1]));
}
