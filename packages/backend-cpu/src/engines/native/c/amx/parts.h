/* f32 cut into three bf16 parts that add up to it exactly: x = high + middle + low. (Henry, Tang, Heinecke: Leveraging the bfloat16
 * artificial intelligence datatype for higher-precision computations, 2019.)
 *
 * There are two ways to cut, and each is needed:
 *   rounded     Parts are smaller, |middle| ≤ 2^-8 |x| and |low| ≤ 2^-17 |x|, and of either sign: products without the three smallest of nine
 *               err by 2^-23.9 |a·b| at most. But what is near the largest float becomes infinite, and some NaN become 0. For gemm/amx*, which
 *               knows the largest magnitude of a panel and multiplies such panels elsewhere.
 *   truncated   |middle| < 2^-7 |x| and |low| < 2^-15 |x|, of the sign of x: products err by 2^-21 |a·b| at most. Finite elements have finite
 *               parts, NaN and infinite ones have NaN among theirs. For attention, which multiplies everything on tiles, and cuts scores and
 *               probabilities between tile instructions: 14 vector instructions for two vectors, where rounding takes 21.
 * Where the other factor is a bf16 itself, two parts are enough, and they are planes, not words: narrow/bf16_amx.c. */
#ifndef MB_AMX_PARTS_H
#define MB_AMX_PARTS_H

#define MB_AMX_PARTS 3

#if defined(__AMX_BF16__)
#include <immintrin.h>

#include "simd/simd.h"

/* The nearest bf16, as f32; ties away from zero. */
static inline vu mb_amx_rounded(vf x) { return ((vu)x + 0x8000) & 0xffff0000; }

/* Both store the parts of x (lower halves of words) and y (upper halves), `part_bytes` from one part to the next. */
static inline __attribute__((always_inline)) void mb_amx_split_rounded(vf x, vf y, char *to, int64_t part_bytes) {
#pragma GCC unroll 3
  for (int part = 0; part < MB_AMX_PARTS; part++) {
    const vu p = mb_amx_rounded(x), q = mb_amx_rounded(y);
    *(vu *)(to + part * part_bytes) = p >> 16 | q;
    x -= (vf)p;
    y -= (vf)q;
  }
}

static inline __attribute__((always_inline)) void mb_amx_split_truncated(vf x, vf y, char *to, int64_t part_bytes) {
#pragma GCC unroll 3
  for (int part = 0; part < MB_AMX_PARTS; part++) {
    const __m512i low = _mm512_srli_epi32((__m512i)x, 16);
    *(__m512i *)(to + part * part_bytes) = _mm512_mask_blend_epi16(0xaaaaaaaa, low, (__m512i)y);
    x -= (vf)((vi)x & (int32_t)0xffff0000);
    y -= (vf)((vi)y & (int32_t)0xffff0000);
  }
}

#endif
#endif
