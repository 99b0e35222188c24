/* CUDA C++ twice: nvcc makes kernels of it, and g++ functions whose threads are fibers (emulated.h). Kernels take what they need from here:
 *
 *   MB_SHARED(type, name, [extents])   memory of the block
 *   MB_DYNAMIC_SHARED(name)            as many bytes as the launch asks for, at a multiple of 1024; nothing else is shared beside it
 *   MB_CLOSE                           of a function that kernels call
 *   launch(kernel, grid, threads, stream, arguments…)
 *   launch_shared(kernel, grid, threads, bytes, stream, arguments…)
 *
 * After a launch that failed, those of the same command do nothing: they would read what was not written.
 */
#ifndef MB_SIMT_H
#define MB_SIMT_H

#ifdef __CUDACC__

#include <cuda_runtime.h>

#define MB_SHARED(type, name, extents) __shared__ type name extents
#define MB_DYNAMIC_SHARED(name) extern __shared__ __align__(1024) unsigned char name[]
#define MB_CLOSE __host__ __device__ inline

/* Blocks along x and y. */
struct mb_grid {
  unsigned x, y;
  mb_grid(int64_t x, int64_t y = 1) : x((unsigned)x), y((unsigned)y) {}
};

/* Up to this much a kernel may use without asking. */
constexpr int plain_shared_bytes = 48 << 10;

template <typename... Parameters, typename... Arguments>
void launch_shared(void (*kernel)(Parameters...), mb_grid grid, unsigned threads, int bytes, cudaStream_t stream, const Arguments &...arguments) {
  if (cudaPeekAtLastError() != cudaSuccess) return;
  if (bytes > plain_shared_bytes) cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  kernel<<<dim3(grid.x, grid.y), threads, (size_t)bytes, stream>>>(Parameters(arguments)...);
}

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), mb_grid grid, unsigned threads, cudaStream_t stream, const Arguments &...arguments) {
  launch_shared(kernel, grid, threads, 0, stream, arguments...);
}

#else

#include "simt/emulated.h"

#endif

#endif
