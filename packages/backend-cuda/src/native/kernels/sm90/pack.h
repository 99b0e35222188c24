/* Two bf16 in a word, the first in the lower half. */
#ifndef MB_SM90_PACK_H
#define MB_SM90_PACK_H

#include "base/convert.h"
#include "simt/hopper.h"

#ifdef MB_HOPPER

MB_DEVICE uint32_t pack(float first, float second) {
#ifdef __CUDACC__
  uint32_t word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
  return word;
#else
  return bf16_of_f32(first) | (uint32_t)bf16_of_f32(second) << 16;
#endif
}

MB_DEVICE uint32_t pack(const float *two) { return pack(two[0], two[1]); }
MB_DEVICE float low(uint32_t word) { return float_of(word << 16); }
MB_DEVICE float high(uint32_t word) { return float_of(word & 0xffff0000); }

#endif

#endif
