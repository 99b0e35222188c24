/* CUDA C++ twice: nvcc makes kernels of it, and g++ functions whose threads are fibers (emulated.h). Kernels take what they need from here:
 *
 *   MB_SHARED(type, name, [extents])   memory of the block
 *   MB_CLOSE                           of a function that kernels call
 *   launch(kernel, blocks, threads, stream, arguments…)
 */
#ifndef MB_SIMT_H
#define MB_SIMT_H

#ifdef __CUDACC__

#include <cuda_runtime.h>

#define MB_SHARED(type, name, extents) __shared__ type name extents
#define MB_CLOSE __host__ __device__ inline

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), unsigned blocks, unsigned threads, cudaStream_t stream, const Arguments &...arguments) {
  kernel<<<blocks, threads, 0, stream>>>(Parameters(arguments)...);
}

#else

#include "simt/emulated.h"

#endif

#endif
