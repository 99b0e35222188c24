#include "simt/runtime.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "simt/faults.h"

struct emulated_graph {
  std::vector<std::function<void()>> nodes;
};

struct emulated_stream {
  emulated_graph *capture = nullptr;
  bool invalid = false; /* the capture did what it must not */
  emulated_stream *behind = nullptr; /* the one whose event it waited for: what it does waits until that one waits for it */
  std::vector<std::function<void()>> held;
  bool unjoined = false; /* another is behind it */
};

struct emulated_event {
  emulated_stream *stream = nullptr; /* that it was last recorded on */
  std::chrono::steady_clock::time_point time;
};

namespace {

constexpr size_t usual_bytes = (size_t)8 << 30;

struct memory {
  size_t bytes;
  bool pinned;
};

/* The device of this process. */
struct device {
  std::mutex mutex;
  std::map<const char *, memory> memories;
  size_t used = 0; /* without what is pinned */
  const size_t total = (size_t)simt::fault_number("oom after %lld bytes");
  const int64_t bad_kernel = simt::fault_number("illegal address at kernel %lld");
  const int64_t roomless_launch = simt::fault_number("no room at kernel %lld");
  std::atomic<int64_t> kernels{0}, launches{0};
  std::atomic<bool> roomless_graph{simt::fault_is("no room for a graph")};
  std::atomic<bool> broken{false}; /* a kernel failed: nothing runs any more */
  std::atomic<bool> seen{false};   /* and a call has said so: all later ones do */

  size_t capacity() const { return total ? total : usual_bytes; }

  cudaError_t allocate(void **data, size_t bytes, bool pinned) {
    const std::lock_guard<std::mutex> lock(mutex);
    *data = nullptr;
    if (seen) return cudaErrorIllegalAddress;
    if (!pinned && bytes > capacity() - used) return cudaErrorMemoryAllocation;
    if (bytes < usual_bytes) *data = aligned_alloc(256, (bytes + 255) / 256 * 256);
    if (*data == nullptr) return cudaErrorMemoryAllocation;
    memset(*data, 0xff, bytes < (1 << 20) ? bytes : 1 << 20);
    memories[(const char *)*data] = {bytes, pinned};
    if (!pinned) used += bytes;
    return cudaSuccess;
  }

  cudaError_t release(void *data) {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto found = memories.find((const char *)data);
    if (found == memories.end()) return cudaErrorInvalidValue;
    if (!found->second.pinned) used -= found->second.bytes;
    memories.erase(found);
    free(data);
    return cudaSuccess;
  }

  /* Neither the device's nor pinned. */
  bool pageable(const void *data) {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto next = memories.upper_bound((const char *)data);
    if (next == memories.begin()) return true;
    const auto &[begin, memory] = *std::prev(next);
    return (const char *)data >= begin + memory.bytes;
  }
};

device &own() {
  static device *const made = new device; /* outlives all streams */
  return *made;
}

thread_local cudaError_t last = cudaSuccess;
thread_local emulated_stream *captured = nullptr; /* by this thread */

cudaError_t answer(cudaError_t error) {
  if (own().seen) error = cudaErrorIllegalAddress;
  if (error != cudaSuccess && error != cudaErrorNotReady) last = error;
  return error;
}

/* What would tell a failed kernel. */
cudaError_t look() {
  if (own().broken) own().seen = true;
  return answer(cudaSuccess);
}

/* Whether this thread captures, which forbids the call. */
bool forbidden() {
  if (captured) captured->invalid = true;
  return captured != nullptr;
}

cudaError_t unless_captured(cudaError_t (*call)()) { return forbidden() ? answer(cudaErrorStreamCaptureUnsupported) : call(); }

} // namespace

cudaError_t simt::enqueue(cudaStream_t stream, std::function<void()> work) {
  if (stream && stream->behind) stream->held.push_back(std::move(work));
  else if (stream && stream->capture) stream->capture->nodes.push_back(std::move(work));
  else if (!own().broken) work();
  return answer(cudaSuccess);
}

cudaError_t simt::enqueue_kernel(cudaStream_t stream, std::function<void()> kernel) {
  if (last != cudaSuccess) return last;
  if (captured && fault_is("uncapturable")) return forbidden(), answer(cudaErrorStreamCaptureUnsupported);
  if (++own().launches == own().roomless_launch) return answer(cudaErrorMemoryAllocation);
  return enqueue(stream, [kernel = std::move(kernel)] {
    if (++own().kernels == own().bad_kernel) own().broken = true;
    else kernel();
  });
}

cudaError_t simt::kernel_image() {
  if (fault_is("no kernel image")) return answer(cudaErrorNoKernelImageForDevice);
  return answer(fault_is("old ptx") ? cudaErrorUnsupportedPtxVersion : cudaSuccess);
}

cudaError_t cudaGetDeviceCount(int *count) {
  *count = 0;
  if (simt::fault_is("no driver") || simt::fault_is("old driver")) return answer(cudaErrorInsufficientDriver);
  if (simt::fault_is("no device")) return answer(cudaErrorNoDevice);
  *count = 1;
  return answer(cudaSuccess);
}

cudaError_t cudaDriverGetVersion(int *version) {
  *version = simt::fault_is("no driver") ? 0 : simt::fault_is("old driver") ? 12020 : 13000;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) { return *version = 13000, cudaSuccess; }
cudaError_t cudaSetDevice(int) { return answer(cudaSuccess); }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int) {
  *properties = {"emulated on the CPU", 9, 0, 2, own().capacity()};
  if (simt::fault_is("mig")) strcat(properties->name, " MIG 1g.10gb");
  return answer(cudaSuccess);
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
  const std::lock_guard<std::mutex> lock(own().mutex);
  *total = own().capacity();
  *free = *total - own().used;
  return answer(cudaSuccess);
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = answer(last);
  if (!own().seen) last = cudaSuccess;
  return error;
}

const char *cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorNoKernelImageForDevice: return "no kernel image is available for execution on the device";
    case cudaErrorUnsupportedPtxVersion: return "the provided PTX was compiled with an unsupported toolchain.";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
    default: return "an emulated error";
  }
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) { return *stream = new emulated_stream, answer(cudaSuccess); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return delete stream, answer(cudaSuccess); }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return unless_captured(look); }
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  if (stream->capture) stream->invalid = true;
  return stream->capture ? answer(cudaErrorStreamCaptureUnsupported) : look();
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data) {
  const cudaError_t error = look();
  return error == cudaSuccess ? simt::enqueue(stream, [=] { function(data); }) : error;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (captured || stream->capture) return answer(cudaErrorStreamCaptureUnsupported);
  stream->capture = new emulated_graph;
  stream->invalid = false;
  captured = stream;
  return answer(cudaSuccess);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status) {
  *status = stream->capture ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  *graph = stream->capture;
  stream->capture = nullptr;
  captured = nullptr;
  if (stream->unjoined) stream->invalid = true;
  if (!stream->invalid) return answer(cudaSuccess);
  delete *graph;
  *graph = nullptr;
  return answer(cudaErrorStreamCaptureInvalidated);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) {
  if (own().roomless_graph.exchange(false)) return answer(cudaErrorMemoryAllocation);
  return *exec = new emulated_graph(*graph), answer(cudaSuccess);
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete graph, answer(cudaSuccess); }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) { return delete exec, answer(cudaSuccess); }

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  for (const auto &node : exec->nodes) simt::enqueue(stream, node);
  return answer(cudaSuccess);
}

cudaError_t cudaEventCreate(cudaEvent_t *event) { return *event = new emulated_event, answer(cudaSuccess); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) { return cudaEventCreate(event); }
cudaError_t cudaEventDestroy(cudaEvent_t event) { return delete event, answer(cudaSuccess); }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event->stream = stream;
  return simt::enqueue(stream, [event] { event->time = std::chrono::steady_clock::now(); });
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  emulated_stream *const other = event->stream;
  if (other->behind != stream) {
    stream->behind = other;
    other->unjoined = true;
    return answer(cudaSuccess);
  }
  std::vector<std::function<void()>> held;
  held.swap(other->held);
  other->behind = nullptr;
  stream->unjoined = false;
  for (std::function<void()> &work : held) simt::enqueue(stream, std::move(work));
  return answer(cudaSuccess);
}
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to) {
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return answer(cudaSuccess);
}

cudaError_t cudaMalloc(void **data, size_t bytes) {
  return answer(forbidden() ? cudaErrorStreamCaptureUnsupported : own().allocate(data, bytes, false));
}
cudaError_t cudaMallocHost(void **data, size_t bytes) {
  return answer(forbidden() ? cudaErrorStreamCaptureUnsupported : own().allocate(data, bytes, true));
}
cudaError_t cudaFree(void *data) { return answer(forbidden() ? cudaErrorStreamCaptureUnsupported : own().release(data)); }
cudaError_t cudaFreeHost(void *data) { return cudaFree(data); }

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  if (stream && stream->capture && (own().pageable(to) || own().pageable(from))) {
    stream->invalid = true;
    return answer(cudaErrorStreamCaptureUnsupported);
  }
  return simt::enqueue(stream, [=] { memmove(to, from, bytes); });
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
  return simt::enqueue(stream, [=] { memset(to, value, bytes); });
}
