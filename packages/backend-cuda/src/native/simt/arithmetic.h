/* Operations on words and exact steps of f32 arithmetic: CUDA's own for nvcc, C++ for the emulator. */
#ifndef MB_ARITHMETIC_H
#define MB_ARITHMETIC_H

#include "simt/simt.h"

#ifdef __CUDACC__

/* The lanes of the warp that have an equal value, as bits. */
static __device__ inline unsigned match_lanes(uint32_t value) { return __match_any_sync(0xffffffff, value); }

#else

inline unsigned match_lanes(uint32_t value) {
  unsigned equal = 0;
  for (unsigned lane = 0; lane < 32; lane++) equal |= (unsigned)(simt::exchange(value, lane) == value) << lane;
  return equal;
}

/* Sums and products that no fused multiply-add swallows. */
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }

/* c plus the products of the four signed bytes of a and b. */
inline int __dp4a(int a, int b, int c) {
  for (int byte = 0; byte < 32; byte += 8) c += (int8_t)((unsigned)a >> byte) * (int8_t)((unsigned)b >> byte);
  return c;
}

#endif

#endif
