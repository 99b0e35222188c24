/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC'11): the numbers of `randomBits`. */
#ifndef MB_PHILOX_H
#define MB_PHILOX_H

#include <cstdint>

#include "simt/simt.h"

struct philox_key {
  uint32_t key[2], counter[2];
};

/* Words 4 · block to 4 · block + 3 of a draw; `step`, where there is one, is added to the counter. */
static inline __device__ void philox(uint64_t block, const philox_key &k, const uint32_t *step, uint32_t words[4]) {
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

/* A word as a number in [0, 1). */
static inline __device__ float uniform_of(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

#endif
