#include "engine/guard.h"

constexpr int pattern = 0xa5;

void guard_buffer(char *buffer, int64_t bytes, cudaStream_t stream) {
  cudaMemsetAsync(buffer - MB_GUARD_BYTES, pattern, MB_GUARD_BYTES, stream);
  cudaMemsetAsync(buffer, 0xff, (size_t)bytes, stream);
  cudaMemsetAsync(buffer + bytes, pattern, MB_GUARD_BYTES, stream);
}

static __global__ void look_at_guard(const unsigned char *buffer, int64_t bytes, mb_id_check check) {
  const int64_t before = (int64_t)threadIdx.x - MB_GUARD_BYTES, after = bytes + threadIdx.x;
  if (buffer[before] != pattern) claim_fault(check, (int32_t)before);
  if (buffer[after] != pattern) claim_fault(check, (int32_t)after);
}

void check_guard(const char *buffer, int64_t bytes, const mb_id_check &check, cudaStream_t stream) {
  launch(look_at_guard, 1, MB_GUARD_BYTES, stream, (const unsigned char *)buffer, bytes, check);
}
