/* What only sm_90a has, twice: as PTX, and as C++ that refuses what the hardware leaves undefined. Barriers of the memory (mbarrier), proxies,
 * registers of a warpgroup, stores of matrices; tensor_map.h and wgmma.h have the rest. Kernels put their bodies under MB_HOPPER, and
 * stop_elsewhere() beside them. */
#ifndef MB_SIMT_HOPPER_H
#define MB_SIMT_HOPPER_H

#include "simt/simt.h"

#if !defined(__CUDACC__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define MB_HOPPER
#endif

/* Functions of kernels. */
#ifdef __CUDACC__
#define MB_DEVICE __device__ __forceinline__
#else
#define MB_DEVICE inline
#endif

#ifndef MB_HOPPER
/* What a kernel does where it has no body: a library without code for sm_90a stops there, and computes nothing in silence. */
static __device__ __forceinline__ void stop_elsewhere() { __trap(); }
#endif

constexpr unsigned warpgroup_threads = 128;

/* A matrix in shared memory: chunks of 16 bytes in rows of 128, 64 or 32 bytes lie at places that the address of the row permutes. The tile
 * begins at a multiple of 8 such rows. The values are those of matrix descriptors. */
enum class swizzle : unsigned { none = 0, bytes_128 = 1, bytes_64 = 2, bytes_32 = 3 };

#ifndef __CUDACC__
namespace simt {
/* Of the block's dynamic memory; ends the process for other memory. */
uint32_t shared_address(const void *data);
void barrier_init(uint32_t barrier, unsigned count);
void fence_barrier_init();
void barrier_arrive(uint32_t barrier);
void barrier_expect(uint32_t barrier, unsigned bytes);
void barrier_wait(uint32_t barrier, unsigned parity);
void fence_async();
void set_registers(unsigned count, bool more);
} // namespace simt
#endif

#ifdef MB_HOPPER

MB_DEVICE uint32_t shared_address(const void *data) {
#ifdef __CUDACC__
  return (uint32_t)__cvta_generic_to_shared(data);
#else
  return simt::shared_address(data);
#endif
}

/* A barrier's phase ends when `count` arrivals and all expected bytes have come. One thread prepares it, and then all barriers by the fence. */
MB_DEVICE void barrier_init(uint64_t *barrier, unsigned count) {
#ifdef __CUDACC__
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(count) : "memory");
#else
  simt::barrier_init(shared_address(barrier), count);
#endif
}

MB_DEVICE void fence_barrier_init() {
#ifdef __CUDACC__
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#else
  simt::fence_barrier_init();
#endif
}

MB_DEVICE void barrier_arrive(uint64_t *barrier) {
#ifdef __CUDACC__
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier)) : "memory");
#else
  simt::barrier_arrive(shared_address(barrier));
#endif
}

/* Arrives, and makes the phase wait for bytes of loads as well. */
MB_DEVICE void barrier_expect(uint64_t *barrier, unsigned bytes) {
#ifdef __CUDACC__
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)), "r"(bytes) : "memory");
#else
  simt::barrier_expect(shared_address(barrier), bytes);
#endif
}

/* Waits for the end of the phase of this parity: 0 for the first one. A fresh barrier lets parity 1 pass. */
MB_DEVICE void barrier_wait(uint64_t *barrier, unsigned parity) {
#ifdef __CUDACC__
  uint32_t done;
  do {
    asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
                 : "=r"(done)
                 : "r"(shared_address(barrier)), "r"(parity)
                 : "memory");
  } while (!done);
#else
  simt::barrier_wait(shared_address(barrier), parity);
#endif
}

/* Barrier `id` (1 to 15) of `count` threads, whole warps. */
MB_DEVICE void sync_threads(unsigned id, unsigned count) {
#ifdef __CUDACC__
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(count) : "memory");
#else
  simt::sync_threads(id, count);
#endif
}

/* What this thread wrote to shared memory, and what others wrote before a barrier with it, is seen by wgmma and by TMA stores. */
MB_DEVICE void fence_async() {
#ifdef __CUDACC__
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#else
  simt::fence_async();
#endif
}

/* The warpgroup's threads have `count` registers from here on. Giving back comes first; taking waits until there are enough. */
template <unsigned count> MB_DEVICE void give_registers() {
#ifdef __CUDACC__
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(count));
#else
  simt::set_registers(count, false);
#endif
}

template <unsigned count> MB_DEVICE void take_registers() {
#ifdef __CUDACC__
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(count));
#else
  simt::set_registers(count, true);
#endif
}

/* Four matrices of 8 × 8 numbers of 16 bits. `row` of lanes 8i … 8i + 7 are the rows of matrix i; a lane gives two numbers of each: those of row
 * lane / 4 from column 2 (lane % 4). */
MB_DEVICE void store_matrices(void *row, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
#ifdef __CUDACC__
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(shared_address(row)), "r"(a), "r"(b), "r"(c), "r"(d)
               : "memory");
#else
  const uint32_t values[4] = {a, b, c, d}, own = shared_address(row);
  const unsigned lane = threadIdx.x % 32;
  if (own % 16 != 0) simt::stop("stmatrix: a row lies at a multiple of 16 bytes");
  for (unsigned matrix = 0; matrix < 4; matrix++) {
    const uint32_t at = simt::exchange(own, 8 * matrix + lane / 4) + 4 * (lane % 4);
    memcpy(simt::dynamic_shared() + at, &values[matrix], 4);
  }
#endif
}

#endif

#endif
