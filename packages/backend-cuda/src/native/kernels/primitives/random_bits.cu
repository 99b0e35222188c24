/* randomBits: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC'11), a block of four words a thread. */
#include "engine/call.h"

struct philox_key {
  uint32_t key[2], counter[2];
};

static __device__ void philox(uint64_t block, const philox_key &k, const uint32_t *step, uint32_t words[4]) {
  uint32_t x[4] = {(uint32_t)block, (uint32_t)(block >> 32), k.counter[0], k.counter[1]};
  if (step) x[2] += step[0], x[3] += step[1];
  uint32_t k0 = k.key[0], k1 = k.key[1];
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    const uint32_t high0 = __umulhi(0xD2511F53, x[0]), low0 = 0xD2511F53 * x[0];
    const uint32_t high2 = __umulhi(0xCD9E8D57, x[2]), low2 = 0xCD9E8D57 * x[2];
    x[0] = high2 ^ x[1] ^ k0;
    x[1] = low2;
    x[2] = high0 ^ x[3] ^ k1;
    x[3] = low0;
  }
  for (int word = 0; word < 4; word++) words[word] = x[word];
}

static __global__ void random_kernel(mb_view out, int64_t size, philox_key key, const uint32_t *step) {
  MB_LOOP(block, (size + 3) / 4) {
    uint32_t words[4];
    philox((uint64_t)block, key, step, words);
    for (int64_t word = 0; word < 4 && 4 * block + word < size; word++) {
      if (out.dtype == MB_F32) ((float *)out.data)[4 * block + word] = (float)(words[word] >> 8) * 0x1p-24f;
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
