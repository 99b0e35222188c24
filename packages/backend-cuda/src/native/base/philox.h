/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC'11), and dropout by its numbers: those of `randomBits`. */
#ifndef MB_PHILOX_H
#define MB_PHILOX_H

#include "base/view.h"

struct mb_draw {
  uint32_t key[2], counter[2];
  const uint32_t *step; /* two words on the device that are added to the counter, or nullptr */
};

/* attributes: key, counter. */
inline mb_draw draw_of(const double *a, const mb_view &step) {
  return {{(uint32_t)a[0], (uint32_t)a[1]}, {(uint32_t)a[2], (uint32_t)a[3]}, (const uint32_t *)step.data};
}

/* The numbers of elements 4 · block to 4 · block + 3. */
static __device__ inline void philox(const mb_draw &draw, uint64_t block, uint32_t (&words)[4]) {
  words[0] = (uint32_t)block, words[1] = (uint32_t)(block >> 32), words[2] = draw.counter[0], words[3] = draw.counter[1];
  if (draw.step) words[2] += draw.step[0], words[3] += draw.step[1];
  uint32_t k0 = draw.key[0], k1 = draw.key[1];
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    const uint32_t high0 = __umulhi(0xD2511F53, words[0]), low0 = 0xD2511F53 * words[0];
    const uint32_t high2 = __umulhi(0xCD9E8D57, words[2]), low2 = 0xCD9E8D57 * words[2];
    words[0] = high2 ^ words[1] ^ k0;
    words[1] = low2;
    words[2] = high0 ^ words[3] ^ k1;
    words[3] = low0;
  }
}

MB_CLOSE float uniform_of(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

/* Elements are dropped where their number is below `rate`; the others are multiplied by `scale`. A rate of 0 drops none. */
struct mb_dropout {
  mb_draw draw;
  float rate, scale;
};

/* attributes: rate, key, counter. */
inline mb_dropout dropout_of(const double *a, const mb_view &step) {
  return {draw_of(a + 1, step), (float)a[0], (float)(1 / (1 - a[0]))};
}

/* Drops among eight elements; `first` is the number of the first one, a multiple of 4. */
static __device__ inline void drop_pack(const mb_dropout &dropout, int64_t first, float (&values)[8]) {
  for (int half = 0; half < 2; half++) {
    uint32_t words[4];
    philox(dropout.draw, (uint64_t)first / 4 + half, words);
    for (int i = 0; i < 4; i++) {
      float &value = values[4 * half + i];
      value = uniform_of(words[i]) < dropout.rate ? 0 : value * dropout.scale;
    }
  }
}

static __device__ inline float drop_one(const mb_dropout &dropout, int64_t at, float value) {
  uint32_t words[4];
  philox(dropout.draw, (uint64_t)at / 4, words);
  return uniform_of(words[at % 4]) < dropout.rate ? 0 : value * dropout.scale;
}

#endif
