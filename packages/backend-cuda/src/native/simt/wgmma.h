/* wgmma: products of a warpgroup's 64 rows, asynchronous. Thread t of the 128 holds of D, in register 4j + 2v + u, row 16 (t / 32) + (t % 32) / 4 + 8v
 * and column 8j + 2 (t % 4) + u; of a register operand A, columns 16: register 2u + v holds columns 8u + 2 (t % 4) and the next of such a row.
 *
 *   wgmma_fence()                       after accumulators or register operands were written, before products
 *   wgmma<…>(d, a, b, accumulate)       d (+)= a · b, 16 deep; a is a descriptor or four registers, b a descriptor
 *   wgmma_commit()                      ends a group
 *   wgmma_wait<n>(d…)                   until at most n groups are left; d are the arrays that may be used from here on
 *
 * Arrays and shared operands stay as they are until the wait. */
#ifndef MB_SIMT_WGMMA_H
#define MB_SIMT_WGMMA_H

#include "simt/hopper.h"

#ifndef __CUDACC__
namespace simt {
/* `registers` is null where `a` is a descriptor. */
void wgmma(float *d, unsigned columns, const uint32_t *registers, uint64_t a, uint64_t b, bool accumulate, bool transposed_a, bool transposed_b);
void wgmma_fence();
void wgmma_commit();
void wgmma_wait(unsigned left);
} // namespace simt
#endif

#ifdef MB_HOPPER

/* K runs along rows of memory (`transposed` 0): `stride` bytes to the next 8 rows; `leading`, to the next 8 columns, counts without swizzle only.
 * Rows of memory are K (`transposed` 1): `stride` bytes to the next 8 rows, `leading` to the next columns beyond a swizzled row; without swizzle the
 * other way round. */
MB_DEVICE uint64_t matrix_descriptor(const void *start, unsigned leading, unsigned stride, swizzle mode) {
  return (uint64_t)((shared_address(start) & 0x3ffff) >> 4) | (uint64_t)(leading >> 4) << 16 | (uint64_t)(stride >> 4) << 32 | (uint64_t)mode << 62;
}

/* The same matrix, `bytes` further on. */
MB_DEVICE uint64_t advance(uint64_t descriptor, unsigned bytes) { return descriptor + (bytes >> 4); }

MB_DEVICE void wgmma_fence() {
#ifdef __CUDACC__
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#else
  simt::wgmma_fence();
#endif
}

MB_DEVICE void wgmma_commit() {
#ifdef __CUDACC__
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#else
  simt::wgmma_commit();
#endif
}

#ifdef __CUDACC__
/* Uses of the array after this stay after it. */
template <typename T, int count> MB_DEVICE void settle(T (&values)[count]) {
#pragma unroll
  for (int i = 0; i < count; i++) {
    if constexpr (sizeof(T) == 4 && T(0.5f) != T(0)) asm volatile("" : "+f"(values[i])::"memory");
    else asm volatile("" : "+r"(values[i])::"memory");
  }
}
#endif

template <unsigned left, typename... Arrays> MB_DEVICE void wgmma_wait(Arrays &...arrays) {
#ifdef __CUDACC__
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(left) : "memory");
  (settle(arrays), ...);
#else
  (void)std::initializer_list<int>{((void)arrays, 0)...};
  simt::wgmma_wait(left);
#endif
}

#ifdef __CUDACC__

#define MB_D_TEXT_32 \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define MB_D_32 \
  "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
  "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), \
  "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), \
  "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
#define MB_D_TEXT_64 MB_D_TEXT_32 ", " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define MB_D_64 MB_D_32, \
  "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), \
  "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), \
  "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), \
  "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
#define MB_D_TEXT_128 MB_D_TEXT_64 ", " \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, " \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define MB_D_128 MB_D_64, \
  "+f"(d[64]), "+f"(d[65]), "+f"(d[66]), "+f"(d[67]), "+f"(d[68]), "+f"(d[69]), "+f"(d[70]), "+f"(d[71]), \
  "+f"(d[72]), "+f"(d[73]), "+f"(d[74]), "+f"(d[75]), "+f"(d[76]), "+f"(d[77]), "+f"(d[78]), "+f"(d[79]), \
  "+f"(d[80]), "+f"(d[81]), "+f"(d[82]), "+f"(d[83]), "+f"(d[84]), "+f"(d[85]), "+f"(d[86]), "+f"(d[87]), \
  "+f"(d[88]), "+f"(d[89]), "+f"(d[90]), "+f"(d[91]), "+f"(d[92]), "+f"(d[93]), "+f"(d[94]), "+f"(d[95]), \
  "+f"(d[96]), "+f"(d[97]), "+f"(d[98]), "+f"(d[99]), "+f"(d[100]), "+f"(d[101]), "+f"(d[102]), "+f"(d[103]), \
  "+f"(d[104]), "+f"(d[105]), "+f"(d[106]), "+f"(d[107]), "+f"(d[108]), "+f"(d[109]), "+f"(d[110]), "+f"(d[111]), \
  "+f"(d[112]), "+f"(d[113]), "+f"(d[114]), "+f"(d[115]), "+f"(d[116]), "+f"(d[117]), "+f"(d[118]), "+f"(d[119]), \
  "+f"(d[120]), "+f"(d[121]), "+f"(d[122]), "+f"(d[123]), "+f"(d[124]), "+f"(d[125]), "+f"(d[126]), "+f"(d[127])

#define MB_WGMMA(registers, columns, r0, r1, r2, r3, r4, r5, r6, r7)                                                                           \
  template <int transposed_a = 0, int transposed_b = 0> MB_DEVICE void wgmma(float (&d)[registers], uint64_t a, uint64_t b, bool accumulate) { \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, " r2 ", 0;\n"                                                                              \
                 "wgmma.mma_async.sync.aligned.m64n" #columns "k16.f32.bf16.bf16 {" MB_D_TEXT_##registers "}, " r0 ", " r1 ", p, 1, 1, "       \
                 r3 ", " r4 ";\n}"                                                                                                            \
                 : MB_D_##registers                                                                                                            \
                 : "l"(a), "l"(b), "r"((int)accumulate), "n"(transposed_a), "n"(transposed_b)                                                  \
                 : "memory");                                                                                                                  \
  }                                                                                                                                            \
  template <int transposed_b = 0>                                                                                                              \
  MB_DEVICE void wgmma(float (&d)[registers], const uint32_t (&a)[4], uint64_t b, bool accumulate) {                                           \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, " r5 ", 0;\n"                                                                              \
                 "wgmma.mma_async.sync.aligned.m64n" #columns "k16.f32.bf16.bf16 {" MB_D_TEXT_##registers "}, {" r0 ", " r1 ", " r2 ", " r3    \
                 "}, " r4 ", p, 1, 1, " r6 ";\n}"                                                                                             \
                 : MB_D_##registers                                                                                                            \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"((int)accumulate), "n"(transposed_b)                                 \
                 : "memory");                                                                                                                  \
  }

MB_WGMMA(32, 64, "%32", "%33", "%34", "%35", "%36", "%37", "%38", "%39")
MB_WGMMA(64, 128, "%64", "%65", "%66", "%67", "%68", "%69", "%70", "%71")
MB_WGMMA(128, 256, "%128", "%129", "%130", "%131", "%132", "%133", "%134", "%135")

#undef MB_WGMMA
#else

template <int transposed_a = 0, int transposed_b = 0, int count> inline void wgmma(float (&d)[count], uint64_t a, uint64_t b, bool accumulate) {
  simt::wgmma(d, 2 * count, nullptr, a, b, accumulate, transposed_a, transposed_b);
}

template <int transposed_b = 0, int count> inline void wgmma(float (&d)[count], const uint32_t (&a)[4], uint64_t b, bool accumulate) {
  simt::wgmma(d, 2 * count, a, 0, b, accumulate, false, transposed_b);
}

#endif

#endif

#endif
