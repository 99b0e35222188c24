/* The functions of the CUDA runtime that the engine calls, on host memory: every call is done when it returns. */
#ifndef MB_SIMT_RUNTIME_H
#define MB_SIMT_RUNTIME_H

#include <cstddef>
#include <cstdlib>
#include <cstring>

enum cudaError_t { cudaSuccess = 0, cudaErrorMemoryAllocation = 2, cudaErrorInsufficientDriver = 35, cudaErrorNoDevice = 100, cudaErrorNotReady = 600 };
enum cudaMemcpyKind { cudaMemcpyDefault = 4 };
enum { cudaStreamNonBlocking = 1 };
typedef struct emulated_stream *cudaStream_t;
typedef void (*cudaHostFn_t)(void *);

struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount;
};

/* A device has this much. */
constexpr size_t emulated_device_bytes = (size_t)8 << 30;

inline cudaError_t cudaGetDeviceCount(int *count) { return *count = 1, cudaSuccess; }
inline cudaError_t cudaDriverGetVersion(int *version) { return *version = 13000, cudaSuccess; }
inline cudaError_t cudaRuntimeGetVersion(int *version) { return *version = 13000, cudaSuccess; }
inline cudaError_t cudaSetDevice(int) { return cudaSuccess; }
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int) {
  return *properties = {"emulated on the CPU", 9, 0, 2}, cudaSuccess;
}
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char *cudaGetErrorString(cudaError_t) { return "an emulated error"; }

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) { return *stream = nullptr, cudaSuccess; }
inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamQuery(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaLaunchHostFunc(cudaStream_t, cudaHostFn_t function, void *data) { return function(data), cudaSuccess; }

/* New memory begins with NaN, so that reading what nobody wrote shows. */
inline cudaError_t cudaMalloc(void **data, size_t bytes) {
  *data = bytes > emulated_device_bytes ? nullptr : aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (*data == nullptr) return cudaErrorMemoryAllocation;
  memset(*data, 0xff, bytes < (1 << 20) ? bytes : 1 << 20);
  return cudaSuccess;
}
inline cudaError_t cudaFree(void *data) { return free(data), cudaSuccess; }
inline cudaError_t cudaMallocHost(void **data, size_t bytes) { return cudaMalloc(data, bytes); }
inline cudaError_t cudaFreeHost(void *data) { return cudaFree(data); }
inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  return memmove(to, from, bytes), cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t) { return memset(to, value, bytes), cudaSuccess; }

#endif
