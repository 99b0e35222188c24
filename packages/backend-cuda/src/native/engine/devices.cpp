/* Which devices there are, and why one cannot be used. */
#include <cstdio>
#include <cstdlib>

#include "engine/api.h"
#include "simt/architecture.h"

static thread_local char text[512];

/* Asked for by name: whether the device has code for kernels of this library. */
static __global__ void probe() {}

static const char *no_device(cudaError_t error) {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const char *visible = getenv("CUDA_VISIBLE_DEVICES");
  if (driver == 0)
    return "there is no NVIDIA driver on this machine (libcuda.so.1)\ninstall the driver of the GPU, or choose another backend";
  if (error == cudaErrorInsufficientDriver)
    snprintf(text, sizeof text, "the NVIDIA driver knows CUDA up to %d.%d, and CUDA %d.%d is needed\ninstall a newer driver", driver / 1000,
             driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
  else if (error != cudaSuccess && error != cudaErrorNoDevice)
    snprintf(text, sizeof text, "CUDA does not start: %s\nlook at nvidia-smi, or choose another backend", cudaGetErrorString(error));
  else if (visible)
    snprintf(text, sizeof text, "the NVIDIA driver shows no GPU, as CUDA_VISIBLE_DEVICES is \"%s\"\nset it to a GPU of nvidia-smi -L, or choose another backend",
             visible);
  else
    return "the NVIDIA driver shows no GPU\nlook at nvidia-smi -L: a GPU in MIG mode shows nothing until it has instances; or choose another backend";
  return text;
}

MB_API const char *mb_device_problem(int32_t device) {
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0) {
    cudaGetLastError();
    return no_device(error);
  }
  if (device >= count) return nullptr;
  error = cudaSetDevice(device);
  cudaFuncAttributes attributes;
  if (error == cudaSuccess) error = cudaFuncGetAttributes(&attributes, probe);
  if (error == cudaSuccess) return nullptr;
  cudaGetLastError();
  static thread_local cudaDeviceProp properties;
  cudaGetDeviceProperties(&properties, device);
  if (error == cudaErrorUnsupportedPtxVersion)
    snprintf(text, sizeof text, "the NVIDIA driver is too old to compile the library's kernels for %s, sm_%d%d\ninstall a newer driver",
             properties.name, properties.major, properties.minor);
  else if (error == cudaErrorNoKernelImageForDevice || error == cudaErrorInvalidDeviceFunction)
    snprintf(text, sizeof text, "the library has no kernels for %s, sm_%d%d: it needs sm_80 or newer\nchoose another device or backend",
             properties.name, properties.major, properties.minor);
  else
    snprintf(text, sizeof text, "CUDA does not start on %s: %s\nlook at nvidia-smi, or choose another device or backend", properties.name,
             cudaGetErrorString(error));
  return text;
}

MB_API const char *mb_device_name(int32_t device) {
  int count = 0, driver = 0, runtime = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || device < 0 || device >= count) return nullptr;
  static thread_local cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) return nullptr;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  snprintf(text, sizeof text, "%s, sm_%d%d, %d SMs, %.1f GiB, driver of CUDA %d.%d, runtime %d.%d", properties.name, properties.major,
           properties.minor, properties.multiProcessorCount, (double)properties.totalGlobalMem / (1 << 30), driver / 1000, driver % 1000 / 10,
           runtime / 1000, runtime % 1000 / 10);
  return text;
}

MB_API int32_t mb_device_architecture(int32_t device) { return architecture_of(device).version; }
