/* Streams as C functions. */
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <new>

#include "engine/stream.h"

MB_API mb_stream *mb_stream_create(int32_t device, int32_t flags, const char *timeline) {
  FILE *const file = timeline[0] ? fopen(timeline, "w") : nullptr;
  if (timeline[0] && !file) return nullptr;
  mb_stream *stream = new (std::nothrow) mb_stream(device, flags);
  if (stream == nullptr || stream->begin(file)) return stream;
  delete stream;
  return nullptr;
}

MB_API const char *mb_stream_open_products(mb_stream *stream, const char *path) {
  cudaSetDevice(stream->device);
  return stream->products.open(path, stream->device);
}

MB_API int64_t mb_stream_products_version(mb_stream *stream) { return stream->products.version(); }

/* The calling thread is JavaScript's, or one of libuv. */
static void *allocate(mb_stream *stream, int64_t bytes, bool pinned) {
  cudaSetDevice(stream->device);
  void *data;
  const cudaError_t error = stream->blocks.allocate(&data, bytes, pinned);
  if (error != cudaSuccess && error != cudaErrorMemoryAllocation) stream->lose(error);
  return data;
}

MB_API void *mb_stream_allocate(mb_stream *stream, int64_t bytes) { return allocate(stream, bytes, false); }

MB_API void *mb_stream_allocate_host(mb_stream *stream, int64_t bytes) { return allocate(stream, bytes, true); }

MB_API const char *mb_stream_room(mb_stream *stream) {
  static thread_local char text[80];
  size_t free = 0, total = 0;
  cudaSetDevice(stream->device);
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) return nullptr;
  snprintf(text, sizeof text, "%zu of the device's %zu bytes are free", free, total);
  return text;
}

MB_API int32_t mb_stream_submit(mb_stream *stream, const void *commands, int64_t bytes) try {
  std::vector<double> batch((size_t)bytes / sizeof(double));
  memcpy(batch.data(), commands, batch.size() * sizeof(double));
  {
    const std::lock_guard<std::mutex> lock(stream->mutex);
    stream->batches.push_back(std::move(batch));
  }
  stream->queued.notify_one();
  return 1;
} catch (const std::bad_alloc &) {
  return 0;
}

MB_API int64_t mb_stream_completed(mb_stream *stream) { return stream->completed; }

MB_API int32_t mb_stream_wait(mb_stream *stream, int64_t count, int32_t milliseconds) {
  {
    std::unique_lock<std::mutex> lock(stream->mutex);
    const auto done = [&] { return stream->completed >= count; };
    if (stream->executed.wait_for(lock, std::chrono::milliseconds(milliseconds), done)) return 1;
  }
  cudaSetDevice(stream->device);
  const cudaError_t error = cudaStreamQuery(stream->stream);
  if (error != cudaSuccess && error != cudaErrorNotReady) stream->lose(error);
  return stream->completed >= count;
}

MB_API int32_t mb_stream_take_error(mb_stream *stream, int64_t count, char *text, int64_t capacity) {
  const std::lock_guard<std::mutex> lock(stream->mutex);
  if (!stream->failed || stream->failed_at > count) return 0;
  snprintf(text, (size_t)capacity, "%s", stream->error.c_str());
  if (!stream->lost && !stream->lasting) stream->failed = false;
  return 1;
}

MB_API void mb_stream_destroy(mb_stream *stream, int32_t finish) {
  if (!finish) stream->abandoned = true;
  delete stream;
}

MB_API void mb_copy(void *to, const void *from, int64_t bytes) {
  if (bytes > 0) memcpy(to, from, (size_t)bytes);
}
