/* Which devices there are, and why there are none. */
#include <cstdio>
#include <cstdlib>

#include "engine/api.h"
#include "simt/architecture.h"

static thread_local char text[512];

MB_API const char *mb_device_problem(void) {
  int count = 0, driver = 0, runtime = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return nullptr;
  cudaGetLastError();
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const char *visible = getenv("CUDA_VISIBLE_DEVICES");
  if (driver == 0)
    return "there is no NVIDIA driver on this machine (libcuda.so.1)\ninstall the driver of the GPU, or choose another backend";
  if (error == cudaErrorInsufficientDriver)
    snprintf(text, sizeof text, "the NVIDIA driver knows CUDA up to %d.%d, and CUDA %d.%d is needed\ninstall a newer driver", driver / 1000,
             driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
  else if (error == cudaSuccess || error == cudaErrorNoDevice)
    snprintf(text, sizeof text, "the NVIDIA driver shows no GPU (CUDA_VISIBLE_DEVICES is %s)\nlook at nvidia-smi, or choose another backend",
             visible ? visible : "not set");
  else
    snprintf(text, sizeof text, "CUDA does not start: %s\nlook at nvidia-smi, or choose another backend", cudaGetErrorString(error));
  return text;
}

MB_API const char *mb_device_name(int32_t device) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || device < 0 || device >= count) return nullptr;
  static thread_local cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) return nullptr;
  snprintf(text, sizeof text, "%s, sm_%d%d, %d SMs", properties.name, properties.major, properties.minor, properties.multiProcessorCount);
  return text;
}

MB_API int32_t mb_device_architecture(int32_t device) { return architecture_of(device).version; }
