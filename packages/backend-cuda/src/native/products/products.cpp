#include "products/products.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

using namespace cublaslt;

/* Batches of ragged texts bring new numbers of tokens without end. */
constexpr size_t most_plans = 4096;

mb_products::~mb_products() {
  plans.clear();
  if (lt.preference) lt.call.destroy_preference(lt.preference);
  if (lt.handle) lt.call.destroy(lt.handle);
  if (lt.workspace) cudaFree(lt.workspace);
}

/* For sums that are made in parts: larger GPUs make more of them. */
static size_t workspace_of(int device) {
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) return 0;
  return (size_t)(properties.major >= 9 ? 32 : 4) << 20;
}

const char *mb_products::open(const char *path, int device) {
  if (!cublaslt::open(path, lt.call, text, sizeof text)) return text;
  const uint64_t bytes = workspace_of(device);
  const uint32_t reductions = reduce_in_workspace, alignment = 16;
  status state = lt.call.create(&lt.handle);
  if (state != ok) return snprintf(text, sizeof text, "cublasLtCreate answers %d", state), text;
  if (cudaMalloc(&lt.workspace, bytes) != cudaSuccess) {
    cudaGetLastError();
    return snprintf(text, sizeof text, "its workspace of %" PRIu64 " MiB does not fit in the device's memory", bytes >> 20), text;
  }
  lt.workspace_bytes = bytes;
  preference made = nullptr;
  const auto set = [&](preference_attribute attribute, const auto &value) {
    if (state == ok) state = lt.call.set_preference(made, attribute, &value, sizeof value);
  };
  state = lt.call.create_preference(&made);
  set(preference_attribute::workspace, bytes);
  set(preference_attribute::reductions, reductions);
  for (const auto attribute : {preference_attribute::alignment_a, preference_attribute::alignment_b, preference_attribute::alignment_c,
                               preference_attribute::alignment_d})
    set(attribute, alignment);
  if (state != ok) return snprintf(text, sizeof text, "its preferences answer %d", state), text;
  lt.preference = made;
  const char *const wish = getenv("MODERNBERT_CUDA_TUNE");
  tune = wish && strcmp(wish, "1") == 0;
  return nullptr;
}

int64_t mb_products::version() const {
  if (!opened()) return 0;
  return (int64_t)lt.call.version();
}

static bool capturing(cudaStream_t stream) {
  cudaStreamCaptureStatus state = cudaStreamCaptureStatusNone;
  return cudaStreamIsCapturing(stream, &state) != cudaSuccess || state != cudaStreamCaptureStatusNone;
}

void mb_products::multiply(const mb_gemm &gemm, cudaStream_t stream) {
  const mb_plan_key key = mb_plan_key_of(gemm);
  auto found = plans.find(key);
  status state = ok;
  if (found == plans.end()) {
    if (plans.size() >= most_plans) plans.clear();
    found = plans.try_emplace(key, lt).first;
    state = found->second.begin(gemm);
    if (state == ok && tune && !capturing(stream)) found->second.measure(gemm, stream);
  }
  if (state == ok) state = found->second.multiply(gemm, stream);
  if (state == ok) return;
  plans.erase(found);
  failed = state == no_memory ? "memory" : "value";
  if (state == no_memory)
    snprintf(text, sizeof text, "expected room for a product of cuBLASLt in memory, got none: use smaller batches, or release tensors");
  else
    snprintf(text, sizeof text, "cuBLASLt answers %d to a product of %" PRId64 " x %" PRId64 " over %" PRId64 ", %" PRId64 " times, of dtype %d", state,
           gemm.rows, gemm.columns, gemm.depth, gemm.batch, gemm.dtype);
}

mb_products::failure mb_products::take_failure() {
  const char *const kind = failed;
  failed = nullptr;
  return {kind, kind ? text : nullptr};
}
