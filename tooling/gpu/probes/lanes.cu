/* Lanes of a warp, threads of a block, blocks of a grid, memory that they share. */
#include "probe.h"
#include "simt/arithmetic.h"

static __global__ void shuffle_words(uint32_t *out) {
  for (int step = 0; step < 5; step++)
    out[step * 64 + threadIdx.x] = __shfl_xor_sync(0xffffffff, scrambled(threadIdx.x), 1 << step);
}
MB_PROBE(shuffle, "shfl_xor of 32 bits", 320, launch(shuffle_words, 1, 64, nullptr, device));

static __global__ void shuffle_pairs(uint32_t *out) {
  const double given = (double)scrambled(threadIdx.x) * 0x1p-7;
  const double got = __shfl_xor_sync(0xffffffff, given, 5);
  memcpy(out + 2 * threadIdx.x, &got, sizeof got);
}
MB_PROBE(shuffle_64, "shfl_xor of 64 bits", 128, launch(shuffle_pairs, 1, 64, nullptr, device));

static __global__ void votes(uint32_t *out) {
  const int some = __syncthreads_or(threadIdx.x == 40), none = __syncthreads_or(0);
  out[threadIdx.x] = (uint32_t)((some != 0) + 2 * (none != 0));
}
MB_PROBE(vote, "syncthreads_or", 64, launch(votes, 1, 64, nullptr, device));

static __global__ void turned(uint32_t *out) {
  MB_SHARED(uint32_t, values, [256]);
  values[threadIdx.x] = scrambled(threadIdx.x);
  __syncthreads();
  out[threadIdx.x] = values[255 - threadIdx.x];
}
MB_PROBE(turn, "a barrier and shared memory", 256, launch(turned, 1, 256, nullptr, device));

static __global__ void far_apart(uint32_t *out) {
  MB_DYNAMIC_SHARED(memory);
  uint32_t *const values = reinterpret_cast<uint32_t *>(memory);
  values[24575 - threadIdx.x] = scrambled(threadIdx.x);
  __syncthreads();
  out[threadIdx.x] = values[24575 - 63 + threadIdx.x];
}
MB_PROBE(dynamic, "96 KiB of shared memory", 64, launch_shared(far_apart, 1, 64, 96 << 10, nullptr, device));

static __global__ void where(uint32_t *out) {
  if (threadIdx.x == 0) out[blockIdx.y * gridDim.x + blockIdx.x] = 1000 * blockIdx.y + 10 * blockIdx.x + blockDim.x / 32;
}
MB_PROBE(grid, "a grid of two axes", 15, launch(where, {5, 3}, 64, nullptr, device));

static __global__ void first_writer(uint32_t *out) {
  if (threadIdx.x == 0) out[0] = 7;
  __syncthreads();
  const int found = atomicCAS(reinterpret_cast<int *>(out), 7, 9);
  const int first = __syncthreads_or(found == 7);
  out[1 + threadIdx.x] = (uint32_t)first;
}
MB_PROBE(swap, "atomicCAS", 33, launch(first_writer, 1, 32, nullptr, device));

static __global__ void matches(uint32_t *out) { out[threadIdx.x] = match_lanes(scrambled(threadIdx.x) % 5); }
MB_PROBE(match, "match_any", 64, launch(matches, 1, 64, nullptr, device));
