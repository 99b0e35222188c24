/* Kernels that show what the emulator does, by name: prints a line of results. */
#include <cstdio>
#include <cstring>

#include "simt/simt.h"

static __global__ void turn(int *out, bool barrier) {
  MB_SHARED(int, values, [64]);
  values[threadIdx.x] = (int)threadIdx.x;
  if (barrier) __syncthreads();
  out[threadIdx.x] = values[63 - threadIdx.x];
}

static __global__ void sum_of_warp(int *out) {
  int total = (int)threadIdx.x;
  for (int distance = 16; distance > 0; distance /= 2) total += __shfl_xor_sync(0xffffffff, total, distance);
  out[threadIdx.x] = total;
}

static __global__ void any(int *out) {
  const int first = __syncthreads_or(threadIdx.x == 40), second = __syncthreads_or(0);
  out[threadIdx.x] = 10 * first + second;
}

static __global__ void unwritten(int *out) {
  MB_SHARED(float, values, [64]);
  out[threadIdx.x] = values[threadIdx.x] != values[threadIdx.x]; /* of NaN alone */
}

static __global__ void lone_lane(int *out) {
  out[threadIdx.x] = 0;
  if (threadIdx.x == 0) out[0] = __shfl_xor_sync(0xffffffff, 1, 1);
}

int main(int, char **arguments) {
  int out[64] = {};
  const char *kernel = arguments[1];
  if (strcmp(kernel, "turn") == 0) launch(turn, 1, 64, nullptr, out, true);
  if (strcmp(kernel, "turn without a barrier") == 0) launch(turn, 1, 64, nullptr, out, false);
  if (strcmp(kernel, "sum of a warp") == 0) launch(sum_of_warp, 1, 64, nullptr, out);
  if (strcmp(kernel, "any") == 0) launch(any, 1, 64, nullptr, out);
  if (strcmp(kernel, "unwritten") == 0) launch(unwritten, 1, 64, nullptr, out);
  if (strcmp(kernel, "a lone lane") == 0) launch(lone_lane, 1, 64, nullptr, out);
  for (const int value : out) printf("%d ", value);
}
