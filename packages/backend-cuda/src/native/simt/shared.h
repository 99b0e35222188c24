/* Places in the block's dynamic shared memory, as instructions name them that take 32-bit addresses. */
#ifndef MB_SHARED_H
#define MB_SHARED_H

#include "simt/simt.h"

/* In bytes. */
typedef uint32_t mb_place;

#ifdef __CUDACC__

static __device__ __forceinline__ mb_place place_of(const void *shared) { return (mb_place)__cvta_generic_to_shared(shared); }

#else

namespace simt {

/* Places begin with a multiple of 1024 that is not 0, as they may on a GPU. */
constexpr mb_place first_place = 1024;

/* `bytes` bytes at a multiple of as many; ends the process where they are not the block's. */
inline unsigned char *at_place(mb_place place, unsigned bytes) {
  if (place % bytes != 0) stop("a place in shared memory is not at a multiple of what is read or written there");
  if (place < first_place || place - first_place + bytes > dynamic_shared_bytes()) stop("a place lies outside of the shared memory that the launch asked for");
  return dynamic_shared() + (place - first_place);
}

} // namespace simt

inline mb_place place_of(const void *shared) {
  return (mb_place)(static_cast<const unsigned char *>(shared) - simt::dynamic_shared()) + simt::first_place;
}

#endif

#endif
