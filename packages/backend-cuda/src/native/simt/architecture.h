/* What kernels are chosen by: the current device's architecture and its number of multiprocessors. */
#ifndef MB_ARCHITECTURE_H
#define MB_ARCHITECTURE_H

#include "simt/simt.h"

struct mb_architecture {
  int version; /* 10 · major + minor: 90 is sm_90 */
  int multiprocessors;
};

#ifdef __CUDACC__

inline mb_architecture architecture_of(int device) {
  int major = 0, minor = 0, multiprocessors = 0;
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
  cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device);
  return {10 * major + minor, multiprocessors};
}

inline mb_architecture current_architecture() {
  int device = 0;
  cudaGetDevice(&device);
  return architecture_of(device);
}

#else

#include <cstdlib>

/* MODERNBERT_CUDA_EMULATE_ARCHITECTURE names another than sm_90. Two multiprocessors, that blocks which go through many tiles are more than one. */
inline mb_architecture current_architecture() {
  const char *const wish = getenv("MODERNBERT_CUDA_EMULATE_ARCHITECTURE");
  return {wish ? atoi(wish) : 90, 2};
}

inline mb_architecture architecture_of(int) { return current_architecture(); }

#endif

#endif
