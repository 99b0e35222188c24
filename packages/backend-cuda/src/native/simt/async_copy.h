/* Copies of 16 bytes from global to shared memory that run while the thread goes on (cp.async). What a thread copied is there for itself after
 * `wait_copies`, for others after a barrier that follows. */
#ifndef MB_ASYNC_COPY_H
#define MB_ASYNC_COPY_H

#include "simt/shared.h"

#ifdef __CUDACC__

/* 16 bytes at multiples of 16: those of `from`, or zeros; then nothing is read. */
static __device__ __forceinline__ void copy_or_clear(mb_place to, const void *from, bool copy) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(copy ? 16 : 0) : "memory");
}

/* Makes a group of the copies since the last one. */
static __device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/* All groups of this thread but the last PENDING are there. */
template <int PENDING> __device__ __forceinline__ void wait_copies() { asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory"); }

#else

namespace simt {

/* async_copy.cpp */
void copy_or_clear(mb_place to, const void *from, bool copy);
void commit_copies();
void wait_copies(size_t pending);

} // namespace simt

inline void copy_or_clear(mb_place to, const void *from, bool copy) { simt::copy_or_clear(to, from, copy); }
inline void commit_copies() { simt::commit_copies(); }
template <int PENDING> void wait_copies() { simt::wait_copies(PENDING); }

#endif

#endif
