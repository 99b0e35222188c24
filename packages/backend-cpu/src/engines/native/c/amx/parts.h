/* f32 cut into bf16 parts, high, middle and low, that add up to it (Henry, Tang, Heinecke: Leveraging the bfloat16 artificial intelligence
 * datatype for higher-precision computations, 2019). */
#ifndef MB_AMX_PARTS_H
#define MB_AMX_PARTS_H

#define MB_AMX_PARTS 3

#if defined(__AMX_BF16__)
#include <immintrin.h>

#include "amx/tile.h"
#include "simd/simd.h"

/* Stores the parts of x (low halves of words) and y (high halves) at to, to + 2 tiles and to + 4 tiles. */
static inline __attribute__((always_inline)) void amx_split(char *to, vf x, vf y) {
#pragma GCC unroll 3
  for (int part = 0; part < 3; part++) {
    const __m512i low = _mm512_srli_epi32((__m512i)x, 16);
    *(__m512i *)(to + part * 2 * MB_AMX_TILE_BYTES) = _mm512_mask_blend_epi16(0xaaaaaaaa, low, (__m512i)y);
    x -= (vf)((vi)x & (int32_t)0xffff0000);
    y -= (vf)((vi)y & (int32_t)0xffff0000);
  }
}

#endif
#endif
