/* bf16 in vectors of f32: the upper half of each lane. */
#ifndef MB_SIMD_BF16_H
#define MB_SIMD_BF16_H

#include "simd/simd.h"

/* Products of pairs of bf16, added to an f32: vdpbf16ps and bfdot. MB_BF16_TARGET is an attribute of functions that use MB_ADD_PAIRS, where the
 * compiler has it; processors are asked at run time (runtime/isa.h). Sets with AMX go by tiles. */
#if !defined(__AMX_BF16__) && (defined(__clang__) || __GNUC__ >= 10) && !defined(MB_WITHOUT_BF16)
#if defined(__AVX512F__)
#define MB_BF16_TARGET __attribute__((target("avx512bf16")))
#define MB_ADD_PAIRS(sum, a, b) (vf)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(a), (__m512bh)(b))
#elif defined(__aarch64__)
#if defined(__clang__)
#define MB_BF16_TARGET __attribute__((target("bf16")))
#else
#define MB_BF16_TARGET __attribute__((target("arch=armv8.2-a+bf16")))
#endif
#define MB_ADD_PAIRS(sum, a, b) (vf)vbfdotq_f32((float32x4_t)(sum), (bfloat16x8_t)(a), (bfloat16x8_t)(b))
#endif
#endif

typedef uint16_t v_halves __attribute__((vector_size(VL * 2)));

/* The nearest bf16 in the upper half of each lane, ties to even, and anything below it. NaN keeps its quiet bit only, and what is too large
 * becomes infinite. */
static inline vu v_round_bf16(vf x) {
  const vu bits = (vu)x;
  return (vu)v_blend_nan(x, v_bits_float(v_set_int(0x7fc00000)), (vf)(bits + 0x7fff + ((bits >> 16) & 1)));
}

static inline vf v_nearest_bf16(vf x) { return (vf)(v_round_bf16(x) & 0xffff0000); }

/* The first n numbers (VL at most) as they lie; zeros behind them. */
static inline v_halves v_load_packed(const uint16_t *from, int64_t n) {
  v_halves halves = {0};
  if (n >= VL) memcpy(&halves, from, sizeof halves);
  else if (n > 0) memcpy(&halves, from, (size_t)n * 2);
  return halves;
}

/* The same in the lower half of each lane. */
static inline vu v_load_halves(const uint16_t *from, int64_t n) { return __builtin_convertvector(v_load_packed(from, n), vu); }

/* The first n of VL (n ≤ VL); memory beyond stays untouched. */
static inline void v_store_halves(uint16_t *to, v_halves a, int64_t n) {
  if (n == VL) {
    memcpy(to, &a, sizeof a);
    return;
  }
#if VL == 16
  _mm256_mask_storeu_epi16(to, (__mmask16)((1u << n) - 1), (__m256i)a);
#else
  uint64_t rest[VL / 4];
  memcpy(rest, &a, sizeof a);
#if VL == 8
  if (n & 4) {
    memcpy(to, rest, 8);
    rest[0] = rest[1];
    to += 4;
  }
#endif
  if (n & 2) {
    memcpy(to, rest, 4);
    rest[0] >>= 32;
    to += 2;
  }
  if (n & 1) memcpy(to, rest, 2);
#endif
}

/* The upper halves of all lanes. */
static inline v_halves v_upper(vf a) { return __builtin_convertvector((vu)a >> 16, v_halves); }

/* The first n lanes (0 ≤ n ≤ VL), rounded. */
static inline void v_store_bf16(uint16_t *to, vf a, int64_t n) { v_store_halves(to, v_upper((vf)v_round_bf16(a)), n); }

#endif
