/* Philox4x32-10 on VL counters at a time (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC'11). */
#ifndef MB_PHILOX_H
#define MB_PHILOX_H

#include "simd/simd.h"

typedef uint64_t vl __attribute__((vector_size(VL * 4)));

/* The 64-bit products of the even lanes with m. */
static inline vl philox_multiply_even(vu a, uint32_t m) {
#if defined(__AVX512F__)
  return (vl)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(m));
#elif defined(__AVX2__)
  return (vl)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(m));
#else
  return ((vl)a & 0xffffffff) * m;
#endif
}

static inline void philox_multiply(vu a, uint32_t m, vu *high, vu *low) {
  const vl even = philox_multiply_even(a, m), odd = philox_multiply_even((vu)((vl)a >> 32), m);
  *high = (vu)((even >> 32) | (odd & 0xffffffff00000000));
  *low = (vu)((even & 0xffffffff) | (odd << 32));
}

/* The four words of each lane's block, whose number is `low` and `high`. */
static inline void philox(vu low, vu high, const uint32_t key[2], const uint32_t counter[2], vu words[4]) {
  const vu zero = {0};
  vu x0 = low, x1 = high, x2 = zero + counter[0], x3 = zero + counter[1];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    vu high0, low0, high2, low2;
    philox_multiply(x0, 0xD2511F53, &high0, &low0);
    philox_multiply(x2, 0xCD9E8D57, &high2, &low2);
    x0 = high2 ^ x1 ^ k0;
    x1 = low2;
    x2 = high0 ^ x3 ^ k1;
    x3 = low0;
  }
  words[0] = x0, words[1] = x1, words[2] = x2, words[3] = x3;
}

/* low + add, carried into `high`. */
static inline vu philox_add(vu low, uint32_t add, vu *high) {
  const vu sum = low + add;
  *high -= (vu)(sum < add); /* a carry is a lane of -1 */
  return sum;
}

/* The 4 · VL words that follow each other from block `first` on. */
static inline void philox_run(uint64_t first, const uint32_t key[2], const uint32_t counter[2], uint32_t words[4 * VL]) {
  vu high = (vu){0} + (uint32_t)(first >> 32), lanes[4];
  philox(philox_add((vu)v_lanes(), (uint32_t)first, &high), high, key, counter, lanes);
  uint32_t columns[4][VL];
  memcpy(columns, lanes, sizeof columns);
  for (int i = 0; i < VL; i++)
    for (int word = 0; word < 4; word++) words[4 * i + word] = columns[word][i];
}

/* Uniform in [0, 1), of 24 bits. */
static inline vf philox_uniform(vu word) { return __builtin_convertvector((vi)(word >> 8), vf) * 0x1p-24f; }

#endif
