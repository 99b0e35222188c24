/* Collectives of a warp on matrices of 16-bit numbers, and conversions: PTX for nvcc, C++ for the emulator.
 *
 * g = lane / 4, t = lane % 4. A register holds two numbers, the one with the lower index in its low half.
 *   a 16 x 16 (row, k):  a0 (g, 2t..), a1 (g + 8, 2t..), a2 (g, 2t + 8..), a3 (g + 8, 2t + 8..)
 *   b 16 x 8 (k, column): b0 (2t.., g), b1 (2t + 8.., g)
 *   d 16 x 8 (row, column): d0, d1 (g, 2t..), d2, d3 (g + 8, 2t..)
 */
#ifndef MB_WARP_H
#define MB_WARP_H

#include "base/convert.h"
#include "simt/shared.h"

/* A short function of kernels: its arrays stay in registers. */
#ifdef __CUDACC__
#define MB_INLINE static __device__ __forceinline__
#else
#define MB_INLINE static inline
#endif

#ifdef __CUDACC__

/* Four matrices of 8 x 8: lane 8m + i gives where row i of matrix m begins, at a multiple of 16 bytes; `to[m]` is (g, 2t..) of matrix m. */
MB_INLINE void load_matrices(uint32_t (&to)[4], mb_place row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(row) : "memory");
}

/* The same of two matrices: lanes 0 to 15 give their rows. */
MB_INLINE void load_matrices(uint32_t (&to)[2], mb_place row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];" : "=r"(to[0]), "=r"(to[1]) : "r"(row) : "memory");
}

/* Of one matrix: lanes 0 to 7. */
MB_INLINE void load_matrices(uint32_t (&to)[1], mb_place row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(to[0]) : "r"(row) : "memory");
}

/* The transposes of the matrices: `to[m]` is (2t.., g) of matrix m. */
MB_INLINE void load_transposed(uint32_t (&to)[4], mb_place row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(row) : "memory");
}

MB_INLINE void load_transposed(uint32_t (&to)[2], mb_place row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(to[0]), "=r"(to[1]) : "r"(row) : "memory");
}

MB_INLINE void load_transposed(uint32_t (&to)[1], mb_place row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(to[0]) : "r"(row) : "memory");
}

MB_INLINE void mma_bf16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

MB_INLINE void mma_f16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

MB_INLINE uint32_t pack_bf16(float low, float high) {
  uint32_t packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}

MB_INLINE uint32_t pack_f16(float low, float high) {
  uint32_t packed;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}

MB_INLINE void unpack_f16(uint32_t packed, float &low, float &high) {
  asm("{.reg .b16 l, h; mov.b32 {l, h}, %2; cvt.f32.f16 %0, l; cvt.f32.f16 %1, h;}" : "=f"(low), "=f"(high) : "r"(packed));
}

/* 2^x to some 22 bits; results below 2^-126 are 0. */
MB_INLINE float fast_exp2(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

/* The lanes whose value holds, as bits. */
MB_INLINE unsigned lanes_where(bool holds) { return __ballot_sync(0xffffffff, holds); }

#else

#include "simt/warp_emulated.h"

#endif

MB_INLINE void unpack_bf16(uint32_t packed, float &low, float &high) {
  low = float_of(packed << 16);
  high = float_of(packed & 0xffff0000);
}

/* The 16-bit dtypes, for kernels that are templates of them. */
struct mb_bf16 {
  static __device__ uint32_t pack(float low, float high) { return pack_bf16(low, high); }
  static __device__ void unpack(uint32_t packed, float &low, float &high) { unpack_bf16(packed, low, high); }
  static __device__ void mma(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) { mma_bf16(d, a, b0, b1); }
};

struct mb_f16 {
  static __device__ uint32_t pack(float low, float high) { return pack_f16(low, high); }
  static __device__ void unpack(uint32_t packed, float &low, float &high) { unpack_f16(packed, low, high); }
  static __device__ void mma(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) { mma_f16(d, a, b0, b1); }
};

#endif
