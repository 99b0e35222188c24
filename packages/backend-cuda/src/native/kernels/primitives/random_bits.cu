/* randomBits: a block of four words a thread. */
#include "base/philox.h"
#include "engine/call.h"

static __global__ void random_kernel(mb_view out, int64_t size, philox_key key, const uint32_t *step) {
  MB_LOOP(block, (size + 3) / 4) {
    uint32_t words[4];
    philox((uint64_t)block, key, step, words);
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
  const double *a = call.attributes;
  const philox_key key = {{(uint32_t)a[0], (uint32_t)a[1]}, {(uint32_t)a[2], (uint32_t)a[3]}};
  launch(random_kernel, loop_blocks((size + 3) / 4), loop_threads, call.stream, call.views[0], size, key, (const uint32_t *)call.views[1].data);
}
