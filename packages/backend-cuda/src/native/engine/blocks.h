/* The memory of a stream: what the host side's pool asked for on the device, and pinned memory; each freed by itself or all that is left at once. */
#ifndef MB_BLOCKS_H
#define MB_BLOCKS_H

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "simt/simt.h"

class mb_blocks {
public:
  ~mb_blocks() {
    for (const auto &[data, pinned] : kept) release(data, pinned);
  }

  /* `data` is nullptr where there is no room. */
  cudaError_t allocate(void **data, int64_t bytes, bool pinned) {
    *data = nullptr;
    const cudaError_t error = pinned ? cudaMallocHost(data, (size_t)bytes) : cudaMalloc(data, (size_t)bytes);
    if (error != cudaSuccess) {
      cudaGetLastError(); /* forgets it: later calls are not to blame */
      *data = nullptr;
      return error;
    }
    const std::lock_guard<std::mutex> lock(mutex);
    kept.emplace(*data, pinned);
    return cudaSuccess;
  }

  /* No queued work may use it any more. */
  void free(void *data) {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto found = kept.find(data);
    if (found == kept.end()) return;
    release(data, found->second);
    kept.erase(found);
  }

private:
  std::mutex mutex;
  std::unordered_map<void *, bool> kept;

  static void release(void *data, bool pinned) {
    if (pinned) cudaFreeHost(data);
    else cudaFree(data);
  }
};

#endif
