/* What kernels use of CUDA, on the CPU. The threads of a block are fibers of one thread; blocks run one after another. A barrier or a warp's
 * collective is where a fiber waits for the others. Shared memory is full of NaN when a block begins; so are values of lanes that gave none. */
#ifndef MB_SIMT_EMULATED_H
#define MB_SIMT_EMULATED_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#include "simt/runtime.h"

#define __global__
#define __device__
#define __host__
#define __restrict__
#define __launch_bounds__(...)
#define __syncthreads() simt::sync_block(0)
#define __syncthreads_or(value) simt::sync_block(value)
#define __syncwarp(...) simt::exchange(0, 0)
#define threadIdx (simt::position().thread)
#define blockIdx (simt::position().block)
#define blockDim (simt::position().threads)
#define gridDim (simt::position().blocks)
#define MB_CLOSE inline
#define MB_SHARED(type, name, extents)      \
  using name##_shared = type extents;       \
  name##_shared &name = *static_cast<name##_shared *>(simt::shared(sizeof(name##_shared)))

namespace simt {

struct index {
  unsigned x;
};

/* Where the running thread is. */
struct place {
  index thread, block, threads, blocks;
};

const place &position();

/* The next part of the block's shared memory: the same one for all threads, which ask in one order. */
void *shared(size_t bytes);

/* All threads of the block wait for one another; returns the values that they give, joined by or. */
int sync_block(int value);

/* All 32 lanes of the warp give a value; returns that of `source`. */
uint32_t exchange(uint32_t value, unsigned source);

/* Runs `body` once for each thread of each block. `threads` is a multiple of 32. */
void run(unsigned blocks, unsigned threads, const std::function<void()> &body);

} // namespace simt

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), unsigned blocks, unsigned threads, cudaStream_t, const Arguments &...arguments) {
  simt::run(blocks, threads, [&] { kernel(Parameters(arguments)...); });
}

template <typename T> T __shfl_xor_sync(unsigned, T value, int mask) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "one or two registers");
  uint32_t words[sizeof(T) / 4];
  memcpy(words, &value, sizeof value);
  for (uint32_t &word : words) word = simt::exchange(word, (simt::position().thread.x ^ (unsigned)mask) % 32);
  memcpy(&value, words, sizeof value);
  return value;
}

inline int atomicCAS(int *at, int expected, int desired) {
  const int found = *at;
  if (found == expected) *at = desired;
  return found;
}

inline double __dmul_rn(double a, double b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((uint64_t)a * b) >> 32); }
inline float rsqrtf(float a) { return 1.0f / sqrtf(a); }
using std::isfinite;

#endif
